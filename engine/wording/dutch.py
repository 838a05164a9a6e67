"""Dutch. After *als* and *omdat* the verb comes last, after *dan* it comes first."""

from __future__ import annotations

from engine.wording.words import PLATFORMS, Choice, Clause, Compared, Language, Thing, moment


def _is(complement: str, must: str = "") -> Compared:
    """An operator with *zijn*; `complement` is what something is."""
    adjective, _, rest = complement.partition(" dan ")
    last = f"{adjective} is dan {rest}" if rest else f"{complement} is"
    infinitive = f"{adjective} zijn dan {rest}" if rest else f"{complement} zijn"
    return Compared(f"{{left}} {last}", f"{{left}} is {complement}", must or f"moest {infinitive}")


def _flag(yes: tuple[str, str], no: tuple[str, str]) -> Choice:
    return Choice(Clause(*yes), Clause(*no))


def _wordt(subject: str, participle: str) -> Choice:
    return Choice(
        Clause(f"{subject} wordt {participle}"),
        Clause(f"{subject} niet wordt {participle}", f"{subject} wordt niet {participle}"),
    )


def _what(subject: str, complement: str, no: str) -> Choice:
    return _flag(
        (f"{subject} {complement} is", f"{subject} is {complement}"), (f"{subject} {no} is", f"{subject} is {no}")
    )


DUTCH = Language(
    code="nl",
    locale="nl_NL",
    name="Nederlands",
    things={
        "event": Thing("de gebeurtenis", "gebeurtenissen"), "shop": Thing("de webwinkel", "webwinkels"), "till": Thing("de kassa", "kassa's"),
        "order": Thing("de bestelling", "bestellingen"), "line": Thing("de bestelregel", "bestelregels"),
        "outlet": Thing("de vestiging", "vestigingen"), "stock": Thing("de voorraad", "voorraadregels"),
        "fulfilment": Thing("de uitlevering", "uitleveringen"), "payment": Thing("de betaling", "betalingen"),
    },
    nouns={
        "event.type": "de soort gebeurtenis", "event.from": "de afzender van de gebeurtenis", "event.platform": "het platform van de gebeurtenis",
        **moment("event.time", (
            "het moment van de gebeurtenis", "de dag van de gebeurtenis", "het tijdstip van de gebeurtenis", "de weekdag van de gebeurtenis",
        )),
        **moment("event.received_at", (
            "het moment waarop wij van de gebeurtenis hoorden", "de dag waarop wij van de gebeurtenis hoorden",
            "het tijdstip waarop wij van de gebeurtenis hoorden", "de weekdag waarop wij van de gebeurtenis hoorden",
        )),
        "shop.name": "de naam van de webwinkel", "shop.platform": "het platform van de webwinkel",
        "till.name": "de naam van de kassa", "till.platform": "het platform van de kassa",
        "order.number": "het nummer van de bestelling", "order.state": "de toestand van de bestelling",
        "order.fulfilment_type": "de leverwijze van de bestelling", "order.fulfilment_status": "de uitleverstatus van de bestelling",
        "order.shop_status": "de status van de bestelling in de webwinkel",
        "order.previous_shop_status": "de vorige status van de bestelling in de webwinkel",
        "order.told_shop_status": "de status die wij de webwinkel het laatst meldden",
        "order.shop_payment_status": "de betaalstatus in de webwinkel",
        "order.previous_shop_payment_status": "de vorige betaalstatus in de webwinkel",
        "order.payment_status": "de betaalstatus van de bestelling", "order.total": "het totaal van de bestelling",
        "order.paid": "het voor de bestelling betaalde bedrag", "order.payment_method": "de betaalwijze van de bestelling",
        "order.payment_processor": "de betaaldienst van de bestelling", "order.shipping_method.id": "het kenmerk van de verzendwijze",
        "order.shipping_method.name": "de verzendwijze", "order.shipping_method.outlet": "de vestiging van de verzendwijze",
        "order.shipping_address.country": "het land van de klant", "order.shipping_address.postcode": "de postcode van de klant",
        "order.shipping_address.city": "de woonplaats van de klant", "order.customer.email": "het e-mailadres van de klant",
        "order.customer.name": "de naam van de klant", "order.customer.group": "de groep van de klant",
        "order.comment": "de opmerking van de klant", "order.line_count": "het aantal regels van de bestelling",
        "order.unit_count": "het aantal stuks van de bestelling",
        **moment("order.placed_at", (
            "het moment van bestellen", "de dag van bestellen", "het tijdstip van bestellen", "de weekdag van bestellen",
        )),
        "order.age": "de ouderdom van de bestelling", "order.tracking_number": "het volgnummer van de zending",
        "order.tags": "de lijst met labels van de bestelling", "order.risk": "het risico van de bestelling",
        "line.id": "het nummer van de regel", "line.sku": "het artikelnummer van de regel", "line.name": "de artikelnaam van de regel",
        "line.quantity": "het aantal van de regel", "line.unit_price": "de stuksprijs van de regel", "line.weight": "het stuksgewicht van de regel",
        "line.total_weight": "het gewicht van de regel", "line.total": "de prijs van de regel", "line.tags": "de lijst met labels van de regel",
        "outlet.code": "de code van de vestiging", "outlet.name": "de naam van de vestiging", "outlet.kind": "de soort vestiging",
        "outlet.country": "het land van de vestiging", "outlet.postcode": "de postcode van de vestiging", "outlet.priority": "de rang van de vestiging",
        "stock.outlet": "de vestiging van de voorraad", "stock.sku": "het artikelnummer van de voorraad", "stock.on_hand": "de aanwezige voorraad",
        "stock.reserved": "de toegezegde voorraad", "stock.available": "de vrije voorraad",
        "fulfilment.outlet": "de vestiging van de uitlevering", "fulfilment.status": "de status van de uitlevering",
        "fulfilment.previous_status": "de vorige status van de uitlevering", "fulfilment.type": "de leverwijze van de uitlevering",
        "payment.method": "de wijze van betaling", "payment.processor": "de betaaldienst van de betaling",
        "payment.from": "het systeem dat de betaling meldde", "payment.screen": "het scherm waarop de betaling werd ingevoerd",
        "payment.amount": "het bedrag van de betaling",
    },
    flags={
        "event.imported": _flag(
            ("het uit een eerste import komt", "het komt uit een eerste import"),
            ("het niet uit een eerste import komt", "het komt niet uit een eerste import"),
        ),
        "order.known": _what("de bestelling", "al bekend", "nog niet bekend"),
        "order.split": _what("de bestelling", "over vestigingen verdeeld", "niet verdeeld"),
        "order.has_goods": _flag(
            ("voor de bestelling iets moet worden ingepakt", "er moet iets worden ingepakt voor de bestelling"),
            ("voor de bestelling niets hoeft te worden ingepakt", "er hoeft niets te worden ingepakt voor de bestelling"),
        ),
        "order.on_till": _flag(
            ("de kassa de bestelling heeft", "de kassa heeft de bestelling"),
            ("de kassa de bestelling niet heeft", "de kassa heeft de bestelling niet"),
        ),
        "line.known_product": _flag(
            ("het artikel in het assortiment staat", "het artikel staat in het assortiment"),
            ("het artikel niet in het assortiment staat", "het artikel staat niet in het assortiment"),
        ),
        "line.needs_shipping": _flag(
            ("voor de regel iets wordt ingepakt", "er wordt iets ingepakt voor de regel"),
            ("voor de regel niets wordt ingepakt", "er wordt niets ingepakt voor de regel"),
        ),
        "line.hazardous": _flag(
            ("de regel gevaarlijke stoffen bevat", "de regel bevat gevaarlijke stoffen"),
            ("de regel geen gevaarlijke stoffen bevat", "de regel bevat geen gevaarlijke stoffen"),
        ),
        "outlet.open": _flag(
            ("de vestiging vandaag bestellingen aanneemt", "de vestiging neemt vandaag bestellingen aan"),
            ("de vestiging vandaag geen bestellingen aanneemt", "de vestiging neemt vandaag geen bestellingen aan"),
        ),
        "outlet.online": _what("de vestiging", "aan de webwinkel gekoppeld", "niet aan de webwinkel gekoppeld"),
        "outlet.offers_pickup": _flag(
            ("klanten bij de vestiging kunnen afhalen", "klanten kunnen bij de vestiging afhalen"),
            ("klanten niet bij de vestiging kunnen afhalen", "klanten kunnen niet bij de vestiging afhalen"),
        ),
        "fulfilment.changed": _flag(
            ("deze gebeurtenis de uitlevering veranderde", "deze gebeurtenis veranderde de uitlevering"),
            ("deze gebeurtenis de uitlevering niet veranderde", "deze gebeurtenis veranderde de uitlevering niet"),
        ),
    },
    choices={
        "order.fulfilment_type": {"delivery": _wordt("de bestelling", "bezorgd"), "pickup": _wordt("de bestelling", "afgehaald")},
        "order.state": {
            "cancelled": _what("de bestelling", "geannuleerd", "niet geannuleerd"),
            "held": _what("de bestelling", "aangehouden", "niet aangehouden"),
        },
        "outlet.kind": {
            "store": _what("de vestiging", "een winkel", "geen winkel"), "warehouse": _what("de vestiging", "een magazijn", "geen magazijn"),
        },
        "event.from": {
            system: _flag(
                (f"de gebeurtenis van {noun} komt", f"de gebeurtenis komt van {noun}"),
                (f"de gebeurtenis niet van {noun} komt", f"de gebeurtenis komt niet van {noun}"),
            )
            for system, noun in (("shop", "de webwinkel"), ("till", "de kassa"))
        },
        "payment.from": {
            system: _flag(
                (f"{noun} de betaling meldde", f"{noun} meldde de betaling"),
                (f"het niet {noun} was die de betaling meldde", f"het was niet {noun} die de betaling meldde"),
            )
            for system, noun in (("shop", "de webwinkel"), ("till", "de kassa"))
        },
    },
    values={
        **PLATFORMS, "api": "de API", "shop": "de webwinkel", "till": "de kassa", "warehouse": "een magazijn", "other": "een ander systeem",
        "received": "ontvangen", "ignored": "genegeerd", "held": "aangehouden", "open": "open", "completed": "voltooid",
        "cancelled": "geannuleerd", "new": "nieuw", "in_progress": "in behandeling", "packed": "ingepakt", "delivery": "bezorgen",
        "pickup": "afhalen", "incomplete": "onvolledig", "unpaid": "onbetaald", "partly_paid": "deels betaald", "paid": "betaald",
        "partly_refunded": "deels terugbetaald", "refunded": "terugbetaald", "custom": "een eigen status van de webwinkel",
        "awaiting_processing": "“wacht op verwerking”", "processing": "in verwerking", "ready_for_pickup": "klaar om af te halen",
        "out_for_delivery": "onderweg", "shipped": "verzonden", "delivered": "bezorgd", "returned": "teruggestuurd",
        "will_not_deliver": "“wordt niet bezorgd”", "on_hold": "in de wacht", "awaiting_shipment": "wacht op verzending",
        "partly_shipped": "deels verzonden", "on_record": "ter registratie", "paid_back": "uitbetaald", "sell_screen": "het verkoopscherm", "sales_history": "de verkoopgeschiedenis",
        "unknown": "onbekend", "low": "laag", "medium": "gemiddeld", "high": "hoog", "store": "een winkel",
        "monday": "maandag", "tuesday": "dinsdag", "wednesday": "woensdag", "thursday": "donderdag", "friday": "vrijdag",
        "saturday": "zaterdag", "sunday": "zondag", "email": "e-mailadres", "none": "niets",
        "when_needed": "alleen als het moet", "never": "nooit", "freely": "naar believen",
    },
    operators={
        "is": _is("{right}"), "is not": _is("niet {right}", "moest iets anders dan {right} zijn"),
        "<": _is("minder dan {right}"), "<=": _is("hoogstens {right}"), ">": _is("meer dan {right}"), ">=": _is("minstens {right}"),
        "in": _is("{right}"), "not in": _is("niet {right}", "moest iets anders dan {right} zijn"),
        "in list": _is("een van {right}"), "not in list": _is("geen van {right}"),
        "exists": _is("bekend"), "is missing": _is("niet bekend", "moest onbekend zijn"),
        "contains": Compared("{left} {right} bevat", "{left} bevat {right}", "moest {right} bevatten"),
        "starts with": Compared("{left} met {right} begint", "{left} begint met {right}", "moest met {right} beginnen"),
        "matches": Compared("{left} aan het patroon {right} voldoet", "{left} voldoet aan het patroon {right}", "moest aan het patroon {right} voldoen"),
        "between": Compared("{left} tussen {right} en {upper} ligt", "{left} ligt tussen {right} en {upper}", "moest tussen {right} en {upper} liggen"),
        "before": Compared("{left} vóór {right} ligt", "{left} ligt vóór {right}", "moest vóór {right} liggen"),
        "after": Compared("{left} na {right} ligt", "{left} ligt na {right}", "moest na {right} liggen"),
    },
    outcomes={
        "import order": "wordt de bestelling aangenomen", "hold order": "wordt de bestelling aangehouden", "ignore order": "blijft de bestelling liggen",
        "match customer": "wordt de klant gezocht op {key}", "match customer/none": "wordt er niet naar een bestaande klant gezocht",
        "create customer": "wordt er zo nodig een klantprofiel gemaakt", "leave customer out": "wordt er geen klantprofiel gemaakt",
        "name customer/field": "krijgt een nieuw klantprofiel {name} als naam", "name customer": "heet een nieuw klantprofiel {name}",
        "exclude outlet": "valt de vestiging af", "require outlet/field": "mag alleen {outlet} (of een andere vereiste) de bestelling uitleveren",
        "require outlet": "mag alleen de vestiging {outlet} (of een andere vereiste) de bestelling uitleveren",
        "prefer outlet/field": "krijgt de vestiging zoveel punten als {points} zegt", "prefer outlet": "krijgt de vestiging er {points} punten bij", "prefer outlet/one": "krijgt de vestiging er 1 punt bij",
        "prefer outlet/negative": "gaan er {points} punten van de vestiging af",
        "keep back/field": "houdt de vestiging van elk artikel zoveel stuks achter als {pieces} zegt",
        "keep back": "houdt de vestiging {pieces} stuks van elk artikel achter", "keep back/one": "houdt de vestiging 1 stuk van elk artikel achter",
        "use at most outlets/field": "wordt de bestelling over hoogstens zoveel vestigingen verdeeld als {count} zegt",
        "use at most outlets": "wordt de bestelling over hoogstens {count} vestigingen verdeeld",
        "use at most outlets/one": "wordt de bestelling nooit over vestigingen verdeeld",
        "divide lines": "worden bestelregels {when} over vestigingen verdeeld", "divide lines/never": "worden bestelregels nooit over vestigingen verdeeld",
        "back-order shortage": "wordt nageleverd wat ontbreekt en gaat de rest door", "hold shortage": "wacht een bestelling waarvoor iets ontbreekt",
        "count payment": "telt de betaling mee", "disregard payment": "telt de betaling niet mee",
        "release order": "mogen vestigingen de bestelling voltooien", "block order": "mogen vestigingen de bestelling nog niet voltooien",
        "set shop status": "wordt de status in de webwinkel {status}", "leave shop status": "blijft de status in de webwinkel zoals hij is",
        "set shop payment": "wordt de betaalstatus in de webwinkel {status}", "leave shop payment": "blijft de betaalstatus in de webwinkel zoals hij is",
        "ship fulfilment": "toont de webwinkel wat de vestiging verstuurde",
        "assign outlets in shop": "toont de webwinkel welke vestiging wat doet",
        "refund in shop": "legt de webwinkel een terugbetaling vast, {money}",
        "refund in shop/on_record": "legt de webwinkel de terugbetaling vast zonder die uit te betalen",
        "refund in shop/paid_back": "betaalt de webwinkel het bedrag aan de klant terug",
        "send tracking": "krijgt de webwinkel het volgnummer", "mail customer": "mag de webwinkel de klant mailen",
        "refuse change": "wordt de wijziging niet overgenomen", "complete fulfilments": "worden de uitleveringen op de kassa voltooid",
        "pack fulfilments": "worden de uitleveringen op de kassa ingepakt", "leave fulfilments": "blijven de uitleveringen op de kassa zoals ze zijn",
        "cancel sale": "wordt de verkoop op de kassa geannuleerd", "record payment": "wordt de betaling op de kassa vastgelegd",
        "leave payment": "blijven de betalingen op de kassa zoals ze zijn",
        "count outlet": "wordt de voorraad van de vestiging online verkocht", "leave outlet out": "wordt de voorraad van de vestiging niet online verkocht",
        "push stock": "krijgt de webwinkel het nieuwe voorraadgetal", "withhold stock": "krijgt de webwinkel het voorraadgetal niet",
        "notify outlet": "krijgt het personeel van de vestiging bericht", "stay silent": "krijgt het personeel van de vestiging geen bericht",
        "tag order": "krijgt de bestelling het label {tag}", "tag line": "krijgt de bestelregel het label {tag}", "set order risk": "wordt het risico van de bestelling {risk}",
    },
    phrases={
        "and": "en", "or": "of", "rule": "Als {when}, dan {then}.", "always": "In alle gevallen {then}.",
        "first": "geen eerdere rij van de tabel opgaat", "because": " (“{reason}”)",
        "not so": "het niet zo is dat {when}", "not so alone": "het is niet zo dat {when}",
        "count": "het aantal {many}", "sum": "de som van {noun} over alle {many}",
        "where": " waarvoor geldt dat {when}", "setting": "de instelling “{name}”", "on": "{setting} aan staat", "off": "{setting} uit staat",
        "on alone": "{setting} staat aan", "off alone": "{setting} staat uit",
        "fired": "Omdat {when}, {then}.", "not": "Ging niet op, want {reasons}.", "is": "{left} is {value}", "unknown": "{left} is niet bekend",
        "but": "{statement} en {must}", "unknown whether": "het is niet bekend of {when}", "forbidden": "{alone}, en dat mag niet",
        "against": "{left} tegenover {right}", "none there": "er zijn hier geen {many}",
        "earlier row": "een eerdere rij van dezelfde tabel ging op, en alleen de eerste telt",
        "too many": "er waren te veel combinaties van feiten om te proberen", "nothing asked": "er is niets gevraagd dat kon mislukken",
        "lost": "De regel wilde iets anders ({said}), maar {by} was eerder.", "unknown value": "niet bekend",
        "would": "{left} zou {value} moeten zijn", "would instead": "{left} zou {value} moeten zijn in plaats van {before}",
        "would add": "er zouden meer {many} moeten zijn",
        "would lose": "de regel zou dan opgaan, maar {by} zou nog steeds eerder zijn",
        "would so": "het zou zo moeten zijn dat {when}", "would unknown": "{left} zou onbekend moeten zijn",
        "met": "klopt", "not met": "klopt niet", "missing": "niet bekend", "nested": "({inner})",
    },
)  # fmt: skip

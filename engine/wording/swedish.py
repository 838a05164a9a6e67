"""Swedish. After *om* and *eftersom* the *inte* comes before the verb, after *så* the verb comes first."""

from __future__ import annotations

from engine.wording.words import PLATFORMS, Choice, Clause, Compared, Language, Thing, moment


def _compared(verb: str, must: str = "") -> Compared:
    return Compared(f"{{left}} {verb}", "", f"skulle {must or verb.replace('är ', 'vara ', 1)}")


def _not(subject: str, verb: str, rest: str, yes: str = "") -> Choice:
    """A statement and its denial: `subject verb rest`, and `inte` before or after the verb. `yes` replaces the statement."""
    return Choice(
        Clause(yes or f"{subject} {verb} {rest}"),
        Clause(f"{subject} inte {verb} {rest}", f"{subject} {verb} inte {rest}"),
    )


SWEDISH = Language(
    code="sv",
    locale="sv_SE",
    name="Svenska",
    things={
        "event": Thing("händelsen", "händelser"), "shop": Thing("webbutiken", "webbutiker"), "till": Thing("kassan", "kassor"),
        "order": Thing("ordern", "ordrar"), "line": Thing("orderraden", "orderrader"),
        "outlet": Thing("filialen", "filialer"), "stock": Thing("lagersaldot", "lagersaldon"),
        "fulfilment": Thing("leveransen", "leveranser"), "payment": Thing("betalningen", "betalningar"),
    },
    nouns={
        "event.type": "händelsens slag", "event.from": "händelsens avsändare", "event.platform": "händelsens plattform",
        **moment("event.time", ("tidpunkten för händelsen", "dagen för händelsen", "klockslaget för händelsen", "veckodagen för händelsen")),
        **moment("event.received_at", (
            "tidpunkten då vi fick veta om händelsen", "dagen då vi fick veta om händelsen", "klockslaget då vi fick veta om händelsen",
            "veckodagen då vi fick veta om händelsen",
        )),
        "shop.name": "webbutikens namn", "shop.platform": "webbutikens plattform",
        "till.name": "kassans namn", "till.platform": "kassans plattform",
        "order.number": "orderns nummer", "order.state": "orderns läge",
        "order.fulfilment_type": "orderns leveranssätt", "order.fulfilment_status": "orderns leveransstatus",
        "order.shop_status": "orderns status i webbutiken", "order.previous_shop_status": "orderns förra status i webbutiken",
        "order.shop_payment_status": "orderns betalningsstatus i webbutiken",
        "order.previous_shop_payment_status": "orderns förra betalningsstatus i webbutiken",
        "order.payment_status": "orderns betalningsstatus", "order.total": "orderns summa",
        "order.paid": "det belopp som är betalt för ordern", "order.payment_method": "orderns betalningssätt",
        "order.payment_processor": "orderns betaltjänst", "order.shipping_method.id": "fraktsättets kod",
        "order.shipping_method.name": "fraktsättet", "order.shipping_method.outlet": "fraktsättets filial",
        "order.shipping_address.country": "kundens land", "order.shipping_address.postcode": "kundens postnummer",
        "order.shipping_address.city": "kundens ort", "order.customer.email": "kundens e-postadress",
        "order.customer.name": "kundens namn", "order.customer.group": "kundens grupp",
        "order.comment": "kundens kommentar", "order.line_count": "antalet rader i ordern", "order.unit_count": "antalet enheter i ordern",
        **moment("order.placed_at", (
            "tidpunkten då ordern lades", "dagen då ordern lades", "klockslaget då ordern lades", "veckodagen då ordern lades",
        )),
        "order.age": "orderns ålder", "order.tracking_number": "orderns spårningsnummer",
        "order.tags": "orderns lista med etiketter", "order.risk": "orderns risk",
        "line.id": "radens nummer", "line.sku": "radens artikelnummer", "line.name": "radens artikelnamn",
        "line.quantity": "radens antal", "line.unit_price": "radens styckpris", "line.weight": "radens styckvikt",
        "line.total_weight": "radens vikt", "line.total": "radens pris", "line.tags": "radens lista med etiketter",
        "outlet.code": "filialens kod", "outlet.name": "filialens namn", "outlet.kind": "filialens slag",
        "outlet.country": "filialens land", "outlet.postcode": "filialens postnummer", "outlet.priority": "filialens rang",
        "stock.outlet": "lagersaldots filial", "stock.sku": "lagersaldots artikelnummer", "stock.on_hand": "det lager som finns",
        "stock.reserved": "det lager som är utlovat", "stock.available": "det lager som är fritt",
        "fulfilment.outlet": "leveransens filial", "fulfilment.status": "leveransens status",
        "fulfilment.previous_status": "leveransens förra status", "fulfilment.type": "leveransens leveranssätt",
        "payment.method": "betalningens sätt", "payment.processor": "betalningens betaltjänst",
        "payment.from": "systemet som anmälde betalningen", "payment.screen": "skärmen där betalningen fördes in",
        "payment.amount": "betalningens belopp",
    },
    flags={
        "order.known": Choice(
            Clause("ordern redan var känd", "ordern var redan känd"), Clause("ordern ännu inte var känd", "ordern var ännu inte känd")
        ),
        "order.split": _not("ordern", "är", "delad mellan filialer"),
        "order.on_till": _not("kassan", "har", "ordern"),
        "line.known_product": _not("artikeln", "finns", "i sortimentet"),
        "line.hazardous": _not("raden", "innehåller", "farligt gods"),
        "outlet.open": Choice(Clause("filialen tar emot ordrar i dag"), Clause("filialen inte tar emot ordrar i dag", "filialen tar inte emot ordrar i dag")),
        "outlet.online": _not("filialen", "är", "kopplad till webbutiken"),
        "outlet.offers_pickup": _not("kunder", "kan", "hämta i filialen"),
        "fulfilment.changed": _not("den här händelsen", "ändrade", "leveransen"),
    },
    choices={
        "order.fulfilment_type": {
            "delivery": Choice(Clause("ordern levereras"), Clause("ordern inte levereras", "ordern levereras inte")),
            "pickup": Choice(Clause("ordern hämtas"), Clause("ordern inte hämtas", "ordern hämtas inte")),
        },
        "order.state": {"cancelled": _not("ordern", "är", "annullerad"), "held": _not("ordern", "är", "vilande")},
        "outlet.kind": {"store": _not("filialen", "är", "en butik"), "warehouse": _not("filialen", "är", "ett lager")},
        "event.from": {"shop": _not("händelsen", "kommer", "från webbutiken"), "till": _not("händelsen", "kommer", "från kassan")},
        "payment.from": {
            "shop": _not("det", "var", "webbutiken som anmälde betalningen", "webbutiken anmälde betalningen"),
            "till": _not("det", "var", "kassan som anmälde betalningen", "kassan anmälde betalningen"),
        },
    },
    values={
        **PLATFORMS, "api": "API:et", "shop": "webbutiken", "till": "kassan", "warehouse": "ett lager", "other": "ett annat system",
        "received": "mottagen", "ignored": "bortsedd från", "held": "vilande", "open": "öppen", "completed": "klar",
        "cancelled": "annullerad", "new": "ny", "in_progress": "påbörjad", "packed": "packad", "delivery": "leverans",
        "pickup": "hämtning", "incomplete": "ofullständig", "unpaid": "obetald", "partly_paid": "delvis betald", "paid": "betald",
        "partly_refunded": "delvis återbetald", "refunded": "återbetald", "custom": "en egen status i webbutiken",
        "awaiting_processing": "”väntar på behandling”", "processing": "under behandling", "ready_for_pickup": "klar att hämta",
        "out_for_delivery": "ute för leverans", "shipped": "skickad", "delivered": "levererad", "returned": "returnerad",
        "will_not_deliver": "”levereras inte”", "sell_screen": "försäljningsskärmen", "sales_history": "försäljningshistoriken",
        "unknown": "okänd", "low": "låg", "medium": "medelhög", "high": "hög", "store": "en butik",
        "monday": "måndag", "tuesday": "tisdag", "wednesday": "onsdag", "thursday": "torsdag", "friday": "fredag",
        "saturday": "lördag", "sunday": "söndag", "email": "e-postadress", "none": "ingenting",
        "when_needed": "bara när det behövs", "never": "aldrig", "freely": "fritt",
    },
    operators={
        "is": _compared("är {right}"), "is not": Compared("{left} inte är {right}", "{left} är inte {right}", "skulle vara något annat än {right}"),
        "<": _compared("är mindre än {right}"), "<=": _compared("är högst {right}"),
        ">": _compared("är mer än {right}"), ">=": _compared("är minst {right}"),
        "in": _compared("är {right}"), "not in": Compared("{left} inte är {right}", "{left} är inte {right}", "skulle vara något annat än {right}"),
        "in list": _compared("är en av {right}"), "not in list": _compared("är ingen av {right}"),
        "exists": _compared("finns", "finnas"), "is missing": _compared("saknas", "saknas"),
        "contains": _compared("innehåller {right}", "innehålla {right}"), "starts with": _compared("börjar med {right}", "börja med {right}"),
        "matches": _compared("passar mönstret {right}", "passa mönstret {right}"),
        "between": _compared("är mellan {right} och {upper}"),
        "before": _compared("är före {right}"), "after": _compared("är efter {right}"),
    },
    outcomes={
        "import order": "tas ordern emot", "hold order": "blir ordern vilande", "ignore order": "lämnas ordern därhän",
        "match customer": "söks kunden på {key}", "match customer/none": "söks ingen befintlig kund",
        "create customer": "skapas en kundprofil om det behövs", "leave customer out": "skapas ingen kundprofil",
        "name customer/field": "får en ny kundprofil {name} som namn", "name customer": "får en ny kundprofil namnet {name}",
        "exclude outlet": "utesluts filialen", "require outlet/field": "får bara {outlet} (eller en annan krävd) leverera ordern",
        "require outlet": "får bara filialen {outlet} (eller en annan krävd) leverera ordern",
        "prefer outlet/field": "får filialen så många poäng som {points} säger", "prefer outlet": "får filialen {points} poäng", "prefer outlet/negative": "dras {points} poäng från filialen",
        "keep back/field": "håller filialen kvar så många enheter av varje artikel som {pieces} säger",
        "keep back": "håller filialen kvar {pieces} enheter av varje artikel", "keep back/one": "håller filialen kvar 1 enhet av varje artikel",
        "use at most outlets/field": "delas ordern mellan högst så många filialer som {count} säger",
        "use at most outlets": "delas ordern mellan högst {count} filialer", "use at most outlets/one": "delas ordern aldrig mellan filialer",
        "divide lines": "delas orderrader mellan filialer {when}", "divide lines/never": "delas orderrader aldrig mellan filialer",
        "back-order shortage": "restnoteras det som fattas medan resten går vidare", "hold shortage": "väntar en order som det fattas något i",
        "count payment": "räknas betalningen", "disregard payment": "räknas betalningen inte",
        "release order": "får filialer slutföra ordern", "block order": "får filialer inte slutföra ordern än",
        "set shop status": "blir orderns status i webbutiken {status}", "leave shop status": "förblir orderns status i webbutiken som den är",
        "set shop payment": "blir betalningsstatusen i webbutiken {status}", "leave shop payment": "förblir betalningsstatusen i webbutiken som den är",
        "send tracking": "får webbutiken spårningsnumret", "mail customer": "får webbutiken mejla kunden",
        "refuse change": "tas ändringen inte över", "complete fulfilments": "blir leveranserna klara i kassan",
        "pack fulfilments": "blir leveranserna packade i kassan", "leave fulfilments": "förblir leveranserna i kassan som de är",
        "cancel sale": "annulleras köpet i kassan", "record payment": "förs betalningen in i kassan",
        "leave payment": "förblir betalningarna i kassan som de är",
        "count outlet": "säljs filialens lager på nätet", "leave outlet out": "säljs filialens lager inte på nätet",
        "push stock": "får webbutiken det nya lagersaldot", "withhold stock": "får webbutiken inte veta lagersaldot",
        "notify outlet": "får filialens personal besked", "stay silent": "får filialens personal inget besked",
        "tag order": "får ordern etiketten {tag}", "tag line": "får orderraden etiketten {tag}", "set order risk": "blir orderns risk {risk}",
    },
    phrases={
        "and": "och", "or": "eller", "rule": "Om {when}, så {then}.", "always": "I varje läge {then}.",
        "first": "ingen tidigare rad i tabellen stämmer", "because": " (”{reason}”)",
        "not so": "det inte är så att {when}", "not so alone": "det är inte så att {when}",
        "count": "antalet {many}", "sum": "summan av {noun} över alla {many}",
        "where": " för vilka det gäller att {when}", "setting": "inställningen ”{name}”", "on": "{setting} är på", "off": "{setting} är av",
        "fired": "Eftersom {when}, {then}.", "not": "Stämde inte, för {reasons}.", "is": "{left} är {value}", "unknown": "{left} saknas",
        "but": "{statement} och {must}", "unknown whether": "det är inte känt om {when}", "forbidden": "{alone}, och det får inte vara så",
        "against": "{left} mot {right}", "none there": "det finns inga {many} här",
        "earlier row": "en tidigare rad i samma tabell stämde, och bara den första räknas",
        "too many": "det fanns för många kombinationer av fakta att pröva", "nothing asked": "det frågades inget som kunde fela",
        "lost": "Regeln ville något annat ({said}), men {by} kom före.", "unknown value": "saknas",
        "would": "{left} skulle behöva vara {value}", "would instead": "{left} skulle behöva vara {value} i stället för {before}",
        "would add": "det skulle behöva finnas fler {many}",
        "would lose": "regeln skulle då stämma, men {by} skulle fortfarande komma före",
        "would so": "det skulle behöva vara så att {when}", "would unknown": "{left} skulle behöva saknas",
        "met": "stämmer", "not met": "stämmer inte", "missing": "saknas", "nested": "({inner})",
    },
    quotes=("”", "”"),
)  # fmt: skip

"use strict";

const grid = document.querySelector("main");
const cards = [...grid.children];
const buttons = [...document.querySelectorAll("button[data-kind]")];
const search = document.querySelector("input[type=search]");
const order = document.querySelector("select");
const none = document.querySelector(".none");

const byNumber = (key) => (a, b) => Number(a.dataset[key]) - Number(b.dataset[key]);
const collator = new Intl.Collator(undefined, { numeric: true });
const orders = {
  confidence: byNumber("place"),
  name: (a, b) => collator.compare(a.dataset.name, b.dataset.name),
  time: (a, b) => byNumber("seconds")(b, a),
};

function filter() {
  const kind = document.querySelector("button[aria-pressed=true]").dataset.kind;
  const text = search.value.trim().toLowerCase();
  let shown = 0;
  for (const card of cards) {
    const isOfKind = kind === "all" || card.dataset.kind === kind;
    card.hidden = !(isOfKind && card.dataset.name.toLowerCase().includes(text));
    shown += !card.hidden;
  }
  none.hidden = shown > 0;
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    filter();
  });
}
search.addEventListener("input", filter);
order.addEventListener("change", () => grid.append(...cards.sort(orders[order.value])));

document.querySelector(".tools").hidden = false;
filter();

// Sorts and filters the table of stocks. Without it the page is whole: the heaviest stock comes first.
"use strict";
(() => {
  const table = document.getElementById("portfolio");
  const said = document.getElementById("said");
  const filter = document.getElementById("filter");
  if (!table) return;
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const say = (text, ...values) => {
    said.textContent = values.reduce((sentence, value) => sentence.replace("{}", () => value), text);
  };

  const numberIn = (cell) => {
    const data = cell.querySelector("data");
    return data ? Number(data.value) : -Infinity;
  };
  const byText = new Intl.Collator("pt-BR").compare;

  const sort = (heading, name) => {
    const place = heading.cellIndex;
    const isNumber = heading.dataset.sort === "number";
    const now = heading.getAttribute("aria-sort");
    // Numbers are looked at from the largest on, texts from A on.
    const descending = now ? now === "ascending" : isNumber;
    const sign = descending ? -1 : 1;
    const compare = isNumber
      ? (a, b) => numberIn(a.cells[place]) - numberIn(b.cells[place])
      : (a, b) => byText(a.cells[place].textContent, b.cells[place].textContent);
    body.append(...[...body.rows].sort((a, b) => sign * compare(a, b)));
    for (const other of headings) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    say(said.dataset.sorted, name, descending ? said.dataset.descending : said.dataset.ascending);
  };

  for (const heading of headings) {
    if (!heading.dataset.sort) continue;
    const name = heading.textContent;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => sort(heading, name));
    heading.replaceChildren(button);
  }

  // Who types "acoes" finds "ações".
  const plain = (text) => text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
  const rows = [...body.rows].map((row) => [row, plain(row.textContent)]);
  filter.addEventListener("input", () => {
    const wanted = plain(filter.value.trim());
    let shown = 0;
    for (const [row, text] of rows) {
      row.hidden = !text.includes(wanted);
      if (!row.hidden) shown += 1;
    }
    say(said.dataset.shown, shown, rows.length);
  });
  filter.parentElement.hidden = false;
})();

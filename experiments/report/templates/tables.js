// Tables marked "sortable" sort by their headings and are filtered by words. Without this they are whole, as written.
"use strict";
const numbered = new Intl.Collator(undefined, { numeric: true });
const key = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
};
const order = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : numbered.compare(a, b));
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.ariaSort === "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.ariaSort = down ? "descending" : "ascending";
      const rows = [...body.rows].sort((a, b) => order(key(a, column), key(b, column)));
      body.append(...(down ? rows.reverse() : rows));
    });
  });
  const label = document.createElement("label");
  label.className = "filter";
  const field = document.createElement("input");
  field.type = "search";
  const count = document.createElement("output");
  label.append("Only rows with ", field, " ", count);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.value = words.length ? `${shown} of ${body.rows.length}` : "";
  });
  table.parentElement.before(label);
}

// Shows a chart as wide as the page allows, and updates its tables when a control changes.

const { spec, tables } = JSON.parse(document.getElementById("content").textContent);
const chart = document.getElementById("chart");

// Returns the records that a table shows: those that match the selected values.
function shown(table, view) {
  return spec.datasets[table.data].filter((record) =>
    Object.entries(table.where).every(([field, signal]) => {
      const chosen = view.signal(signal);
      return chosen === null || record[field] === chosen;
    })
  );
}

function cell(row, kind, text, scope) {
  const made = row.appendChild(document.createElement(kind));
  made.textContent = text;
  if (scope) made.scope = scope;
}

// Writes a table with a row for each value of one field, and a column for each value of the others and each measure.
function write(table, body, view) {
  const rows = new Map();
  const columns = new Set();
  for (const record of shown(table, view)) {
    const names = table.rows.map((field) => record[field]).join(", ");
    if (!rows.has(names)) rows.set(names, new Map());
    for (const [field, title] of Object.entries(table.values)) {
      const column = [...table.columns.map((each) => record[each]), title].filter(Boolean).join(", ");
      columns.add(column);
      rows.get(names).set(column, record[field]);
    }
  }
  body.tHead?.remove();
  const head = body.createTHead().insertRow();
  for (const column of [table.row_title, ...columns]) cell(head, "th", column, "col");
  body.tBodies[0]?.remove();
  const lines = body.createTBody();
  for (const [name, values] of rows) {
    const line = lines.insertRow();
    cell(line, "th", name, "row");
    for (const column of columns) cell(line, "td", values.get(column) ?? "");
  }
}

vegaEmbed(chart, spec, { actions: false, bind: "#controls", renderer: "svg", tooltip: { theme: "custom" } }).then(
  ({ view }) => {
    const margin = chart.querySelector("svg").getBoundingClientRect().width - view.width();
    const fit = () => {
      // The width is 0 until the page has been laid out.
      if (chart.clientWidth > margin) view.width(Math.min(spec.usermeta.width, chart.clientWidth - margin)).run();
    };
    new ResizeObserver(fit).observe(chart);

    const written = document.querySelectorAll("table");
    tables.forEach((table, place) => {
      const fill = () => write(table, written[place], view);
      for (const signal of Object.values(table.where)) view.addSignalListener(signal, fill);
      fill();
    });
  }
);

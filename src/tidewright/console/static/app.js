// The console's only script: puts live parts in place, opens details, and runs the SQL box.
// Text from the data is set as text, never as markup; parts come ready and escaped from the server.
"use strict";

const link = document.getElementById("link");

function place(parts) {
  for (const [name, markup] of Object.entries(parts)) {
    const spot = document.querySelector(`[data-live="${CSS.escape(name)}"]`);
    if (spot) spot.innerHTML = markup;
  }
}

function listen() {
  const feed = new EventSource("/events");
  feed.onopen = () => { link.className = "dot live"; link.title = "live"; };
  feed.onmessage = (event) => place(JSON.parse(event.data));
  feed.onerror = () => {
    link.className = "dot lost";
    link.title = "the console does not answer";
    if (feed.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}

function toggle(node) {
  const open = node.getAttribute("aria-expanded") !== "true";
  for (const other of document.querySelectorAll(".node")) {
    const chosen = open && other === node;
    other.setAttribute("aria-expanded", String(chosen));
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
}

function steer(event, nodes, index) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (event.key === "Enter" || event.key === " ") toggle(nodes[index]);
  else if (event.key === "Escape" && nodes[index].getAttribute("aria-expanded") === "true") toggle(nodes[index]);
  else if (step) nodes[(index + step + nodes.length) % nodes.length].focus();
  else return;
  event.preventDefault();
}

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function grid(answer) {
  const table = element("table");
  const head = table.createTHead().insertRow();
  const kinds = answer.columns.map((column) => (column.kind === "number" ? "number" : ""));
  answer.columns.forEach((column, i) => {
    const cell = element("th", column.name, kinds[i]);
    cell.scope = "col";
    head.append(cell);
  });
  const body = table.createTBody();
  for (const row of answer.rows) {
    const line = body.insertRow();
    row.forEach((value, i) => line.append(
      value === null ? element("td", "null", "null " + kinds[i]) : element("td", value, kinds[i])));
  }
  const box = element("div", undefined, "scroll");
  box.tabIndex = 0;
  box.append(table);
  return box;
}

function summary(answer) {
  const rows = answer.rows.length.toLocaleString("en");
  const more = answer.truncated ? "the first " : "";
  const commit = answer.commit === null ? "" : ` · commit ${answer.commit}`;
  const note = answer.note ? ` · ${answer.note}` : "";
  return `${more}${rows} ${answer.rows.length === 1 ? "row" : "rows"} in ${answer.seconds.toFixed(2)} s${commit}${note}`;
}

async function ask(statement) {
  const spot = document.getElementById("answer");
  const run = document.getElementById("run");
  run.disabled = true;
  spot.replaceChildren(element("p", "running …", "muted"));
  try {
    const reply = await fetch("/api/sql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sql: statement }),
    });
    const found = await reply.json();
    if (reply.ok) spot.replaceChildren(element("p", summary(found), "muted"), grid(found));
    else spot.replaceChildren(element("p", found.error.what, "failed"), element("p", found.error.hint, "muted"));
  } catch {
    spot.replaceChildren(element("p", "The console does not answer.", "failed"));
  } finally {
    run.disabled = false;
  }
}

async function offer(statement) {
  const reply = await fetch("/api/tables");
  if (!reply.ok) return;
  const { tables } = await reply.json();
  document.getElementById("names").replaceChildren(...tables.slice(0, 12).map((name) => {
    const button = element("button", name);
    button.type = "button";
    button.addEventListener("click", () => {
      const quoted = name.split(/\.(.*)/s, 2).map((part) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`));
      statement.value = `select * from ${quoted.join(".")} limit 20`;
      statement.focus();
    });
    return button;
  }));
}

document.addEventListener("DOMContentLoaded", () => {
  const nodes = [...document.querySelectorAll(".node")];
  nodes.forEach((node, index) => {
    node.addEventListener("click", () => toggle(node));
    node.addEventListener("keydown", (event) => steer(event, nodes, index));
  });
  const form = document.getElementById("ask");
  const statement = document.getElementById("statement");
  form.addEventListener("submit", (event) => {
    if (event.submitter && "plain" in event.submitter.dataset) return;
    event.preventDefault();
    if (statement.value.trim()) ask(statement.value);
  });
  statement.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(document.getElementById("run"));
  });
  statement.addEventListener("focus", () => offer(statement), { once: true });
  offer(statement);
  listen();
});

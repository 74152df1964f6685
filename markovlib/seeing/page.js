// The page: where the reader is in the run, and what is shown of it.

const $ = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en");
const AROUND = 7; // steps shown before this one, and after it
const RULES_SHOWN = 200;
const PLAY = "M4 2v12l9-6z";
const PAUSE = "M3 2h4v12H3zM9 2h4v12H9z";

/** Everything that changes: `at` is the number of the word shown, from 0; the step shown is the one that follows. */
const state = { at: 0, playing: false, fragment: null, search: 0, shape: null, loaded: 0 };
let run;

// ---- showing ----------------------------------------------------------------------------------------------------

function show(at, { announce = true } = {}) {
  state.at = Math.min(Math.max(0, at), run.count);
  run.moveTo(state.at);
  showStep();
  showRows();
  showRules();
  showPosition();
  if (announce && !state.playing) $("live").textContent = `${$("heading").textContent}. ${$("place").textContent}`;
}

function stepName(at) {
  return at < run.count ? `Step ${number(run.first + at + 1)}` : "End";
}

function showPosition() {
  const { at } = state;
  if (document.activeElement !== $("step")) $("step").value = at < run.count ? String(run.first + at + 1) : "end";
  $("slider").value = at;
  $("slider").setAttribute("aria-valuetext", stepName(at));
  $("now").textContent = `${number(run.letters[at])} letters now`;
  for (const id of ["first", "back"]) $(id).disabled = at === 0;
  for (const id of ["forward", "last"]) $(id).disabled = at === run.count;
  drawCurve();
  clearTimeout(showPosition.timer);
  showPosition.timer = setTimeout(() => {
    const place = `#step=${at < run.count ? run.first + at + 1 : "end"}`;
    if (location.hash !== place) history.replaceState(null, "", place);
  }, 400);
}

/** Spans of the word `at`: what its step replaces, and what the step before has written. */
function marksAt(at) {
  const marks = [];
  if (at > 0) {
    const { position, to } = run.edit(at - 1, true);
    if (to.length) marks.push({ from: position, to: position + to.length, name: "written" });
  }
  if (at < run.count) {
    const { position, from } = run.edit(at, true);
    marks.push({ from: position, to: position + from.length, name: "match" });
  }
  return marks;
}

function showStep() {
  const { at, fragment } = state;
  const end = at === run.count;
  const room = roomIn($("before"), 4);
  const marks = marksAt(at);
  $("heading").textContent = stepName(at) + (end ? `: ${run.outcome}` : "");
  for (const element of document.querySelectorAll(".ofstep")) element.hidden = end;
  const span = marks.find((mark) => mark.name === "match") ?? marks[0] ?? { from: 0, to: 0 };
  const seen = renderWindow($("before"), run.word, run, span, room, marks, fragment);
  emptyNote($("before"), run.word.length === 0);
  $("place").textContent = placeNote(span, seen, end);
  if (end) return;
  const { position, from, to } = run.edit(at, true);
  renderRule($("rule"), run.rule[at], true);
  const after = { from: position, to: position + to.length, name: "written" };
  apply(run.word, { position, from, to });
  renderWindow($("after"), run.word, run, after, room, [after], fragment);
  emptyNote($("after"), run.word.length === 0);
  apply(run.word, { position, from: to, to: from });
}

function emptyNote(element, empty) {
  if (empty) element.append(Object.assign(document.createElement("span"), { className: "empty", textContent: "ε", title: "the empty word" }));
}

function placeNote(span, { low, high }, end) {
  const letters = (from, to) => (run.text ? countCharacters(run.word.slice(from, to)) : to - from);
  const total = run.letters[state.at];
  const all = `${number(total)} letter${total === 1 ? "" : "s"}`;
  const before = letters(0, low);
  const last = before + letters(low, high) - 1;
  const cut = low > 0 || high < run.word.length;
  const part = cut ? `here are positions ${number(before)} to ${number(last)} of ${all}` : all;
  return end ? part : `match at position ${number(letters(0, span.from))}; ${part}`;
}

/** Letters that fit into so many lines of the element. */
function roomIn(element, lines) {
  const width = element.clientWidth - 16;
  return Math.max(16, Math.floor(width / letterWidth()) * lines - 2);
}

function letterWidth() {
  if (!state.letter) {
    const probe = document.createElement("span");
    probe.textContent = "0".repeat(100);
    probe.style.whiteSpace = "pre";
    $("before").append(probe);
    state.letter = probe.getBoundingClientRect().width / 100 || 9;
    probe.remove();
  }
  return state.letter;
}

function renderRule(element, index, named) {
  const { pattern, replacement, terminal } = run.rules[index];
  const side = (bytes, name) => {
    const part = document.createElement("span");
    let end = Math.min(bytes.length, named ? 2000 : 120);
    while (run.text && end < bytes.length && (bytes[end] & 0xc0) === 0x80) end--;
    renderBytes(part, bytes.subarray(0, end), named && bytes.length ? [{ from: 0, to: end, name }] : []);
    if (end < bytes.length) part.append(leftOut());
    if (bytes.length === 0) Object.assign(part, { className: "empty", textContent: "ε", title: "the empty word" });
    return part;
  };
  const arrow = document.createElement("span");
  arrow.className = terminal ? "arrow terminal" : "arrow";
  arrow.textContent = terminal ? "→." : "→";
  if (terminal) arrow.title = "terminal: ends the run";
  const parts = [side(pattern, "match"), arrow, side(replacement, "written")];
  if (named) parts.unshift(`${number(index + 1)}: `);
  element.replaceChildren(...parts);
}

function showRows() {
  const { at } = state;
  // Near an end the rows stay as many, so that nothing jumps.
  const low = Math.max(0, Math.min(at - AROUND, run.count - 2 * AROUND));
  const high = Math.min(run.count, low + 2 * AROUND);
  const rows = [];
  for (let i = low; i <= high; i++) rows.push(rowOf(i));
  $("rows").replaceChildren(...rows);
  const room = roomIn($("wordhead"), 1);
  for (const row of rows) showRowWord(row.cells[1], Number(row.dataset.at), room);
  run.moveTo(at);
}

/** A row without its word, for which there is as much room as the other cells leave. */
function rowOf(i) {
  const row = document.createElement("tr");
  const [step, , rule] = ["n", "letters", "letters"].map((name) => {
    const cell = row.insertCell();
    cell.className = name;
    return cell;
  });
  step.textContent = i < run.count ? number(run.first + i + 1) : "end";
  if (i < run.count) rule.textContent = `${number(run.rule[i] + 1)}: ${ruleText(run.rule[i])}`;
  else row.className = "end";
  if (i === state.at) row.setAttribute("aria-current", "step");
  row.dataset.at = i;
  return row;
}

function showRowWord(cell, i, room) {
  const marks = marksAt(i);
  const span = marks.find((mark) => mark.name === "match") ?? marks[0] ?? { from: 0, to: 0 };
  run.moveTo(i);
  renderWindow(cell, run.word, run, span, room, marks, state.fragment);
  emptyNote(cell, run.word.length === 0);
}

function ruleText(index) {
  const { pattern, replacement, terminal } = run.rules[index];
  const side = (bytes) => cutText(shownText(bytes.subarray(0, 40))) || "ε";
  return `${side(pattern)} ${terminal ? "→." : "→"} ${side(replacement)}`;
}

function cutText(text) {
  return text.length > 10 ? `${text.slice(0, 9)}…` : text;
}

function showRules() {
  const current = state.at < run.count ? run.rule[state.at] : -1;
  const most = Math.min(run.rules.length, RULES_SHOWN);
  const from = Math.max(0, Math.min(Math.max(current, 0) - (most >> 1), run.rules.length - most));
  if (state.rulesFrom !== from) {
    state.rulesFrom = from;
    $("rules").replaceChildren(...run.rules.slice(from, from + most).map((_, i) => ruleItem(from + i)));
    const hidden = run.rules.length - most;
    $("hiddenrules").textContent = hidden ? `Rules ${number(from + 1)} to ${number(from + most)} of ${number(run.rules.length)}` : "";
  }
  $("rules").querySelector("[aria-current]")?.removeAttribute("aria-current");
  const item = $("rules").children[current - from];
  if (!item) return;
  item.setAttribute("aria-current", "true");
  keepInSight($("rules"), item);
}

function keepInSight(list, item) {
  const [outer, inner] = [list.getBoundingClientRect(), item.getBoundingClientRect()];
  if (inner.top < outer.top) list.scrollTop -= outer.top - inner.top;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
}

function ruleItem(index) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const parts = ["span", "code", "span"].map((name) => document.createElement(name));
  const times = run.fired[index];
  button.type = "button";
  button.dataset.rule = index;
  parts[0].className = "number";
  parts[0].textContent = number(index + 1);
  renderRule(parts[1], index, false);
  parts[2].className = "times";
  parts[2].textContent = times ? `${number(times)}×` : "never";
  parts[2].title = times === 1 ? "fired once" : times ? `fired ${number(times)} times` : "never fired";
  if (!times) item.className = "never";
  button.append(...parts);
  item.append(button);
  return item;
}

// ---- the curve of lengths ---------------------------------------------------------------------------------------

/** The least and greatest length in each column of pixels. */
function shapeOf(columns) {
  const shape = [];
  for (let x = 0; x < columns; x++) {
    const from = Math.floor((x * run.letters.length) / columns);
    const to = Math.max(from + 1, Math.floor(((x + 1) * run.letters.length) / columns));
    let [low, high] = [run.letters[from], run.letters[from]];
    for (let i = from; i < to; i++) {
      if (run.letters[i] < low) low = run.letters[i];
      if (run.letters[i] > high) high = run.letters[i];
    }
    shape.push([low, high]);
  }
  return shape;
}

function drawCurve() {
  const canvas = $("curve");
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * scale)));
  if (canvas.width !== width || canvas.height !== height || !state.shape) {
    canvas.width = width;
    canvas.height = height;
    state.shape = shapeOf(width);
  }
  const style = getComputedStyle(document.documentElement);
  const pen = canvas.getContext("2d");
  const margin = 4 * scale;
  const y = (length) => height - margin - ((height - 2 * margin) * length) / Math.max(1, run.longest);
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = style.getPropertyValue("--area");
  state.shape.forEach(([, high], x) => pen.fillRect(x, y(high), 1, height));
  pen.fillStyle = style.getPropertyValue("--edge");
  state.shape.forEach(([low, high], x) => pen.fillRect(x, y(high) - scale, 1, y(low) - y(high) + 2 * scale));
  const x = Math.round(((width - 2 * scale) * state.at) / Math.max(1, run.count));
  pen.fillStyle = style.getPropertyValue("--accent");
  pen.fillRect(x, 0, 2 * scale, height);
}

// ---- playing ----------------------------------------------------------------------------------------------------

function play(on) {
  state.playing = on && run.count > 0;
  $("playicon").setAttribute("d", state.playing ? PAUSE : PLAY);
  $("play").setAttribute("aria-label", state.playing ? "Pause" : "Play");
  if (!state.playing) return;
  if (state.at === run.count) show(0);
  let due = 0;
  let last = performance.now();
  const tick = (now) => {
    if (!state.playing) return;
    due += ((now - last) / 1000) * Number($("speed").value);
    last = now;
    const steps = Math.floor(due);
    due -= steps;
    if (steps) show(state.at + steps);
    if (state.at === run.count) play(false);
    else requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

function jump(at) {
  play(false);
  show(at);
}

/** The word that a step's number, as a person types it, stands for; -1 if it is none. */
function wordOf(typed) {
  const text = typed.trim().replaceAll(/[,_\s]/g, "");
  if (text === "end") return run.count;
  return /^\d+$/.test(text) ? Math.min(Math.max(0, Number(text) - run.first - 1), run.count) : -1;
}

// ---- searching --------------------------------------------------------------------------------------------------

async function search(direction) {
  play(false);
  const token = ++state.search;
  const typed = $("query").value;
  const answer = $("kind").value === "rule" ? searchRule(typed, direction) : await searchWord(typed, direction, token);
  if (token !== state.search) return;
  $("found").textContent = answer;
}

function searchRule(typed, direction) {
  const rule = /^\s*\d+\s*$/.test(typed) ? Number(typed) - 1 : -1;
  if (!(rule >= 0 && rule < run.rules.length)) return `Type the number of a rule, 1 to ${number(run.rules.length)}.`;
  const found = run.findRule(rule, state.at, direction);
  if (found < 0) return `Rule ${rule + 1} does not fire ${direction > 0 ? "after" : "before"} this step.`;
  show(found);
  return `Rule ${rule + 1} fires at step ${number(run.first + found + 1)}.`;
}

async function searchWord(typed, direction, token) {
  const fragment = bytesOf(typed, run.text);
  setFragment(fragment);
  if (fragment.length === 0) return "Type the letters to look for.";
  const found = await run.findFragment(fragment, state.at, direction, (i) => {
    if (token === state.search) $("found").textContent = `Searching, at step ${number(run.first + i + 1)} … (Esc stops)`;
    return token === state.search;
  });
  if (token !== state.search) return "";
  if (found < 0) return `No word ${direction > 0 ? "after" : "before"} this one contains it.`;
  show(found);
  return `Found in the word ${found < run.count ? `before step ${number(run.first + found + 1)}` : "at the end"}.`;
}

function setFragment(fragment) {
  state.fragment = fragment.length ? fragment : null;
  show(state.at, { announce: false });
}

function stopSearch() {
  state.search++;
  if ($("found").textContent.startsWith("Searching")) $("found").textContent = "Stopped.";
}

// ---- what the reader does ---------------------------------------------------------------------------------------

const KEYS = {
  ArrowLeft: () => jump(state.at - 1),
  ArrowRight: () => jump(state.at + 1),
  Home: () => jump(0),
  End: () => jump(run.count),
  PageUp: (event) => jump(state.at - (event.shiftKey ? 1000 : 10)),
  PageDown: (event) => jump(state.at + (event.shiftKey ? 1000 : 10)),
  " ": () => play(!state.playing),
  "/": () => $("query").select(),
  g: () => $("step").select(),
  n: () => search(1),
  N: () => search(-1),
  t: () => toggleTheme(),
  "?": () => $("keys").showModal(),
  Escape: () => stopSearch(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const { target, key } = event;
  const typing = target.matches("input:not([type=range]), select");
  if (typing) {
    if (key === "Escape") leaveField(target);
    if (key === "Enter" && event.shiftKey && target === $("query")) {
      event.preventDefault();
      search(-1);
    }
    return;
  }
  if (key === " " && target.matches("button")) return;
  const action = KEYS[key];
  if (!action) return;
  event.preventDefault();
  action(event);
}

function leaveField(field) {
  stopSearch();
  field.blur();
  showPosition();
}

function isDark() {
  return getComputedStyle(document.documentElement).colorScheme === "dark";
}

function toggleTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
}

function nameTheme() {
  $("theme").textContent = isDark() ? "Light" : "Dark";
  drawCurve();
}

function listen() {
  const press = (id, action) => $(id).addEventListener("click", action);
  press("first", KEYS.Home);
  press("back", KEYS.ArrowLeft);
  press("play", KEYS[" "]);
  press("forward", KEYS.ArrowRight);
  press("last", KEYS.End);
  press("theme", toggleTheme);
  press("help", KEYS["?"]);
  press("previous", () => search(-1));
  $("search").addEventListener("submit", (event) => (event.preventDefault(), search(1)));
  $("kind").addEventListener("change", () => {
    $("query").placeholder = $("kind").value === "rule" ? "number" : "letters";
    $("query").value = "";
  });
  $("go").addEventListener("submit", (event) => (event.preventDefault(), goToTyped()));
  $("step").addEventListener("change", goToTyped);
  $("slider").addEventListener("input", () => jump(Number($("slider").value)));
  press("curve", (event) => {
    const box = $("curve").getBoundingClientRect();
    jump(Math.round(((event.clientX - box.left) / box.width) * run.count));
  });
  press("rows", (event) => {
    const row = event.target.closest("tr");
    if (row) jump(Number(row.dataset.at));
  });
  press("rules", (event) => {
    const button = event.target.closest("button");
    if (button) searchForRule(Number(button.dataset.rule));
  });
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", followHash);
  window.addEventListener("resize", () => show(state.at, { announce: false }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
}

function goToTyped() {
  const at = wordOf($("step").value);
  if (at >= 0) jump(at);
  $("step").value = at >= 0 && state.at < run.count ? String(run.first + state.at + 1) : at >= 0 ? "end" : $("step").value;
  $("step").setAttribute("aria-invalid", String(at < 0));
  $("found").textContent = at < 0 ? `Type a step's number, up to ${number(run.first + run.count)}, or "end".` : "";
}

function searchForRule(rule) {
  $("kind").value = "rule";
  $("query").placeholder = "number";
  $("query").value = String(rule + 1);
  search(1);
}

function followHash() {
  const at = wordOf(decodeURIComponent(location.hash.replace(/^#step=/, "")));
  show(at >= 0 && location.hash ? at : state.at, { announce: false });
}

// ---- beginning --------------------------------------------------------------------------------------------------

async function begin() {
  if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old to unpack the run");
  run = await Run.load(JSON.parse($("data").textContent));
  const kept = run.first ? `; the last ${number(run.count)} are here` : "";
  $("outcome").textContent = run.outcome + kept;
  $("total").textContent = `of ${number(run.first + run.count)}`;
  $("slider").max = run.count;
  $("shortest").textContent = `up to ${number(run.longest)} letters`;
  document.querySelector("main").hidden = false;
  listen();
  followHash();
  nameTheme();
  state.loaded = performance.now();
  document.documentElement.dataset.ready = "yes";
}

begin().catch((error) => {
  $("problem").hidden = false;
  $("problem").textContent = `The run cannot be shown: ${error.message}.`;
  $("outcome").textContent = "";
});

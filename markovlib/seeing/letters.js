// Words as people read them: characters, escapes for what cannot be shown, marks, and a window on what is long.

const HIDDEN = /^[\p{C}\p{Zl}\p{Zp}\p{Zs}]$/u;

/** One letter at byte i: [what is shown, how many bytes, whether it is an escape]. */
function letterAt(bytes, i) {
  const lead = bytes[i];
  const size = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : (lead & 0xf0) === 0xe0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  let code = size === 1 ? lead : lead & (0x7f >> size);
  for (let k = 1; k < size; k++) {
    if (i + k >= bytes.length || (bytes[i + k] & 0xc0) !== 0x80) return [escapeOf(lead), 1, true];
    code = (code << 6) | (bytes[i + k] & 0x3f);
  }
  const least = [0, 0, 0x80, 0x800, 0x10000][size];
  if (size === 0 || code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return [escapeOf(lead), 1, true];
  const letter = String.fromCodePoint(code);
  return letter !== " " && HIDDEN.test(letter) ? [escapeOf(code), size, true] : [letter, size, false];
}

function escapeOf(code) {
  const short = { 9: "\\t", 10: "\\n", 13: "\\r" }[code];
  if (short) return short;
  const digits = code.toString(16);
  if (code < 0x100) return `\\x${digits.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}

/** The bytes that a person means by what is typed: escapes as they are shown, and \\ for a backslash. */
function bytesOf(typed, text) {
  const encoder = new TextEncoder();
  const parts = [];
  const token = /\\(?:([ntr\\])|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))|[^\\]+|\\/gu;
  for (const [whole, short, byte, four, eight] of typed.matchAll(token)) {
    if (short) parts.push(encoder.encode({ n: "\n", t: "\t", r: "\r", "\\": "\\" }[short]));
    else if (byte && !text) parts.push([parseInt(byte, 16)]);
    else if (byte || four || eight) parts.push(encoder.encode(characterOf(parseInt(byte || four || eight, 16), whole)));
    else parts.push(encoder.encode(whole));
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function characterOf(code, whole) {
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}

/** All of some bytes as one string. */
function shownText(bytes) {
  let shown = "";
  for (let i = 0; i < bytes.length; ) {
    const [letter, size] = letterAt(bytes, i);
    shown += letter;
    i += size;
  }
  return shown;
}

/** The byte where the `letters`-th letter before byte i begins, or after it ends; never outside of the word. */
function lettersAway(word, i, letters, direction, text) {
  const inside = () => text && i > 0 && i < word.length && (word.at(i) & 0xc0) === 0x80;
  for (let k = 0; k < letters && (direction < 0 ? i > 0 : i < word.length); k++) {
    i += direction;
    while (inside()) i += direction;
  }
  return i;
}

/**
 * Puts the bytes into the element with their marks, spans {from, to, name} of bytes; an empty one is a caret.
 *
 * Everything is set as text: what a word holds is never read as markup.
 */
function renderBytes(element, bytes, marks) {
  const pieces = [];
  const add = (letter, names) => {
    const last = pieces.at(-1);
    if (last && last.names === names) last.letters += letter;
    else pieces.push({ letters: letter, names });
  };
  const carets = marks.filter((mark) => mark.from === mark.to);
  for (let i = 0; i <= bytes.length; ) {
    for (const mark of carets) if (mark.from === i) pieces.push({ letters: "", names: `${mark.name} caret` });
    if (i === bytes.length) break;
    const covering = marks.filter((mark) => mark.from <= i && i < mark.to).map((mark) => mark.name);
    // A byte that is marked for itself is not joined with the next ones, even if they make a character.
    const edge = Math.min(...marks.flatMap((mark) => [mark.from, mark.to]).filter((at) => at > i), bytes.length);
    const [letter, size, escaped] = letterAt(bytes.subarray(0, edge), i);
    add(letter, [...covering, ...(escaped ? ["escape"] : [])].join(" "));
    i += size;
  }
  element.replaceChildren(...pieces.map(({ letters, names }) => pieceElement(letters, names)));
}

function pieceElement(letters, names) {
  if (!names) return document.createTextNode(letters);
  const element = document.createElement(/\b(match|written|found)\b/.test(names) ? "mark" : "span");
  element.className = names;
  element.textContent = letters;
  return element;
}

/** Puts a window on the word around the span {from, to}, `room` letters or so, into the element; gives its bytes. */
function renderWindow(element, word, run, span, room, marks, fragment) {
  const side = Math.max(4, (room - 2 - Math.min(span.to - span.from, room)) >> 1);
  let low = lettersAway(word, span.from, side, -1, run.text);
  let high = lettersAway(word, Math.min(span.to, lettersAway(word, span.from, room, 1, run.text)), side, 1, run.text);
  if (low === 0) high = Math.max(high, Math.min(lettersAway(word, 0, room, 1, run.text), word.length));
  if (high === word.length) low = Math.min(low, lettersAway(word, word.length, room, -1, run.text));
  const bytes = word.slice(low, high);
  const moved = marks.map((mark) => ({ ...mark, from: mark.from - low, to: mark.to - low }));
  const inside = moved.filter((mark) => mark.to >= 0 && mark.from <= bytes.length);
  renderBytes(element, bytes, [...inside, ...occurrences(bytes, fragment)]);
  if (low > 0) element.prepend(leftOut());
  if (high < word.length) element.append(leftOut());
  return { low, high };
}

function leftOut() {
  const element = document.createElement("span");
  element.className = "more";
  element.textContent = "…";
  return element;
}

/** Where the fragment occurs in the bytes, as marks. */
function occurrences(bytes, fragment) {
  const found = [];
  if (!fragment || fragment.length === 0) return found;
  for (let i = 0; i + fragment.length <= bytes.length; i++) {
    let k = 0;
    while (k < fragment.length && bytes[i + k] === fragment[k]) k++;
    if (k === fragment.length) found.push({ from: i, to: i + k, name: "found" });
  }
  return found;
}

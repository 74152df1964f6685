// The run: rules and edits as typed arrays, and words replayed from them.  Knows nothing of the page.
"use strict";

const CHECKPOINT_BYTES = 2 ** 25;
const SLICE_MS = 24;

/** The bytes of a base64 string. */
function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** What zlib compressed, as bytes. */
async function inflate(text) {
  const stream = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A typed array from {type, data}; numbers are little-endian, as they are on every machine that has a browser. */
async function unpack({ type, data }) {
  const kinds = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i1: Int8Array, i2: Int16Array, i4: Int32Array };
  return new kinds[type]((await inflate(data)).buffer);
}

/** The number of characters that begin in these bytes of UTF-8. */
function countCharacters(bytes) {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) count += (bytes[i] & 0xc0) !== 0x80;
  return count;
}

/** A word of bytes with a gap in it: edits near one another move little. */
class Word {
  constructor(bytes) {
    this.buffer = new Uint8Array(bytes.length + (bytes.length >> 1) + 64);
    this.buffer.set(bytes);
    this.low = bytes.length; // the gap is [low, high)
    this.high = this.buffer.length;
  }

  get length() {
    return this.buffer.length - (this.high - this.low);
  }

  at(i) {
    return this.buffer[i < this.low ? i : i + this.high - this.low];
  }

  slice(from, to) {
    const part = new Uint8Array(Math.max(0, to - from));
    const edge = Math.min(Math.max(this.low, from), to);
    const gap = this.high - this.low;
    part.set(this.buffer.subarray(from, edge));
    part.set(this.buffer.subarray(edge + gap, to + gap), edge - from);
    return part;
  }

  bytes() {
    return this.slice(0, this.length);
  }

  splice(position, remove, insert) {
    if (insert.length > this.high - this.low + remove) this.grow(insert.length);
    this.moveGap(position);
    this.high += remove;
    this.buffer.set(insert, this.low);
    this.low += insert.length;
  }

  moveGap(position) {
    const { buffer, low, high } = this;
    if (position < low) buffer.copyWithin(high - (low - position), position, low);
    else if (position > low) buffer.copyWithin(low, high, high + position - low);
    this.high += position - low;
    this.low = position;
  }

  grow(more) {
    const tail = this.buffer.length - this.high;
    const wider = new Uint8Array(2 * this.buffer.length + more);
    wider.set(this.buffer.subarray(0, this.low));
    wider.set(this.buffer.subarray(this.high), wider.length - tail);
    this.high = wider.length - tail;
    this.buffer = wider;
  }

  /** How often the fragment begins in [from, to), cut to where it fits. */
  count(fragment, from, to) {
    const end = Math.min(to, this.length - fragment.length + 1);
    let found = 0;
    for (let i = Math.max(0, from); i < end; i++) {
      let k = 0;
      while (k < fragment.length && this.at(i + k) === fragment[k]) k++;
      found += k === fragment.length;
    }
    return found;
  }
}

/** The run: `count` kept steps, the first of which has the number `first` + 1; word i is the one before step i. */
class Run {
  static async load(data) {
    const run = new Run();
    run.text = data.text;
    run.first = data.first;
    run.outcome = data.outcome;
    run.halted = data.halted;
    run.rules = data.rules.map(([pattern, replacement, terminal]) => {
      const rule = { pattern: fromBase64(pattern), replacement: fromBase64(replacement), terminal: terminal === 1 };
      const letters = (side) => (data.text ? countCharacters(side) : side.length);
      return { ...rule, change: letters(rule.replacement) - letters(rule.pattern) };
    });
    run.rule = await unpack(data.rule);
    run.count = run.rule.length;
    run.position = Int32Array.from(await unpack(data.position));
    for (let i = 1; i < run.count; i++) run.position[i] += run.position[i - 1];
    await run.readWords(data.words);
    run.measure();
    return run;
  }

  async readWords({ at, lengths, data }) {
    const bytes = await inflate(data);
    this.known = new Map();
    let from = 0;
    at.forEach((number, i) => {
      this.known.set(number, bytes.subarray(from, from + lengths[i]));
      from += lengths[i];
    });
    this.spent = 0;
    this.word = new Word(this.known.get(0));
    this.here = 0;
  }

  /** Letters of every word, how often each rule fired, and how far apart the replay leaves checkpoints. */
  measure() {
    const first = this.known.get(0);
    this.letters = new Int32Array(this.count + 1);
    this.letters[0] = this.text ? countCharacters(first) : first.length;
    this.fired = new Int32Array(this.rules.length);
    for (let i = 0; i < this.count; i++) {
      this.letters[i + 1] = this.letters[i] + this.rules[this.rule[i]].change;
      this.fired[this.rule[i]]++;
    }
    this.longest = this.letters.reduce((a, b) => Math.max(a, b), 0);
    const room = Math.max(1, Math.floor(CHECKPOINT_BYTES / Math.max(1, this.longest)));
    this.stride = Math.max(1024, Math.ceil(this.count / room));
  }

  /** Lets `this.word` be word `number`: by steps from here, or from the nearest word that is known. */
  moveTo(number) {
    let nearest = -1;
    let distance = Math.abs(number - this.here);
    if (distance > 256) {
      for (const known of this.known.keys()) {
        if (Math.abs(known - number) < distance) {
          nearest = known;
          distance = Math.abs(known - number);
        }
      }
    }
    if (nearest >= 0) {
      this.word = new Word(this.known.get(nearest));
      this.here = nearest;
    }
    while (this.here < number) this.stepForward();
    while (this.here > number) this.stepBack();
    return this.word;
  }

  stepForward() {
    apply(this.word, this.edit(this.here, true));
    this.here++;
    this.remember();
  }

  stepBack() {
    this.here--;
    apply(this.word, this.edit(this.here, false));
    this.remember();
  }

  remember() {
    if (this.here % this.stride !== 0 || this.known.has(this.here)) return;
    if (this.spent + this.word.length > CHECKPOINT_BYTES) return;
    this.known.set(this.here, this.word.bytes());
    this.spent += this.word.length;
  }

  /** What step `i` does, or what undoes it. */
  edit(i, forward) {
    const { pattern, replacement } = this.rules[this.rule[i]];
    const position = this.position[i];
    return forward ? { position, from: pattern, to: replacement } : { position, from: replacement, to: pattern };
  }

  /** The nearest step after (direction 1) or before (-1) step `from` at which the rule fires, or -1. */
  findRule(rule, from, direction) {
    for (let i = from + direction; i >= 0 && i < this.count; i += direction) if (this.rule[i] === rule) return i;
    return -1;
  }

  /**
   * The nearest word after or before word `from` that contains the fragment, or -1.  Gives way to the page every few
   * milliseconds; `progress(number)` ends the search by giving false.
   *
   * Occurrences are counted once; each step changes the count only where they touch the edit.
   */
  async findFragment(fragment, from, direction, progress) {
    const word = new Word(this.moveTo(from).bytes());
    let occurrences = word.count(fragment, 0, word.length);
    let pause = performance.now() + SLICE_MS;
    for (let i = from; direction > 0 ? i < this.count : i > 0; ) {
      const edit = this.edit(direction > 0 ? i : i - 1, direction > 0);
      const low = edit.position - fragment.length + 1;
      occurrences -= word.count(fragment, low, edit.position + edit.from.length);
      apply(word, edit);
      occurrences += word.count(fragment, low, edit.position + edit.to.length);
      i += direction;
      if (occurrences > 0) return i;
      if ((i & 1023) === 0 && performance.now() > pause) {
        await new Promise((resume) => setTimeout(resume));
        if (!progress(i)) return -1;
        pause = performance.now() + SLICE_MS;
      }
    }
    return -1;
  }
}

function apply(word, { position, from, to }) {
  word.splice(position, from.length, to);
}

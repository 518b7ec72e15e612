// Reads JSON as our verifiers do, so that a message has one meaning: members that
// stand twice are told of, numbers stay as they are written. It knows nothing of
// tokens. A value is {kind, …}: object with members, array with items, string with
// value, number and literal with text.
const strictJSON = (() => {
  "use strict";
  const deepest = 16, mostMembers = 128; // as package strictjson
  const patterns = {
    space: /[ \t\r\n]*/y,
    number: /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
    literal: /true|false|null/y,
  };

  /** Reads one value. Returns it with the names that stand twice; throws a SyntaxError that says where. */
  function parse(text) {
    const reader = { text, at: 0, repeated: [] };
    take(reader, "space");
    const value = readValue(reader, 1);
    take(reader, "space");
    if (reader.at < text.length) fail(reader, "there is more behind the end");
    return { value, repeated: reader.repeated };
  }

  function fail(reader, what) {
    throw new SyntaxError(`${what}, at character ${reader.at + 1}`);
  }

  // take moves over what fits, and returns it.
  function take(reader, kind) {
    const pattern = patterns[kind];
    pattern.lastIndex = reader.at;
    const found = pattern.exec(reader.text);
    if (!found) return undefined;
    reader.at = pattern.lastIndex;
    return found[0];
  }

  function readValue(reader, depth) {
    if (depth > deepest) fail(reader, "it is nested too deeply");
    switch (reader.text[reader.at]) {
      case "{": return { kind: "object", members: readList(reader, "}", readMember, depth) };
      case "[": return { kind: "array", items: readList(reader, "]", readValue, depth) };
      case '"': return { kind: "string", value: readString(reader) };
    }
    for (const kind of ["number", "literal"]) {
      const text = take(reader, kind);
      if (text === undefined) continue;
      if (kind === "number" && !Number.isFinite(Number(text))) fail(reader, "a number is too large");
      return { kind, text };
    }
    return fail(reader, "a value is missing");
  }

  // readList reads what stands between brackets, the first of which is at reader.at.
  function readList(reader, end, readItem, depth) {
    const items = [];
    reader.at++;
    take(reader, "space");
    if (reader.text[reader.at] === end) {
      reader.at++;
      return items;
    }
    for (;;) {
      items.push(readItem(reader, depth + 1, items));
      take(reader, "space");
      const next = reader.text[reader.at];
      if (next !== "," && next !== end) fail(reader, `a comma or ${end} is missing`);
      reader.at++;
      if (next === end) return items;
      take(reader, "space");
    }
  }

  function readMember(reader, depth, before) {
    if (reader.text[reader.at] !== '"') fail(reader, "the name of a member is missing");
    if (before.length === mostMembers) fail(reader, "there are too many members");
    const name = readString(reader);
    if (before.some((member) => fold(member.name) === fold(name)) && !reader.repeated.includes(name)) reader.repeated.push(name);
    take(reader, "space");
    if (reader.text[reader.at] !== ":") fail(reader, "a colon is missing");
    reader.at++;
    take(reader, "space");
    return { name, value: readValue(reader, depth) };
  }

  function readString(reader) {
    const { text, at } = reader;
    let end = at + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    let value;
    try {
      value = JSON.parse(text.slice(at, end + 1)); // knows what must be escaped, and how
    } catch {
      fail(reader, "a string has no end, or what must be written otherwise");
    }
    if (/\p{Surrogate}/u.test(value)) fail(reader, "a string has half a surrogate pair");
    reader.at = end + 1;
    return value;
  }

  // fold makes names equal that some readers take for each other: case does not
  // count, nor that of letters outside ASCII (U+017F, U+212A).
  function fold(name) {
    return Array.from(name, (letter) => {
      const other = letter.toLowerCase().toUpperCase();
      return Array.from(other).length === 1 ? other : letter;
    }).join("");
  }

  /** A string as JSON, in which nothing is invisible or changes the direction of writing. */
  function quote(text) {
    return JSON.stringify(text).replace(/[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }

  /** Prints a value over several lines: a list of pieces, {name} for names of members, the rest text. */
  function print(value, indent = "") {
    const inner = `${indent}  `;
    const lines = (open, items, close) => items.length
      ? [`${open}\n`, ...items.flatMap((pieces, i) => [inner, ...pieces, i < items.length - 1 ? ",\n" : "\n"]), indent + close]
      : [open + close];
    if (value.kind === "object") return lines("{", value.members.map((m) => [{ name: quote(m.name) }, ": ", ...print(m.value, inner)]), "}");
    if (value.kind === "array") return lines("[", value.items.map((item) => print(item, inner)), "]");
    return [value.kind === "string" ? quote(value.value) : value.text];
  }

  return { parse, print, quote };
})();

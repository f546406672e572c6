// Turns a message's text into a small tree. The tree holds text only; the view makes elements of it, never HTML.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "link"; href: string; text: string }
  | { kind: "mention"; name: string }
  | { kind: "strong" | "em" | "strike"; children: Inline[] };

export type Block =
  | { kind: "paragraph"; lines: Inline[][] }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "code"; text: string; language: string }
  | { kind: "list"; ordered: boolean; start: number; items: Inline[][] };

const FENCE = /^```([\w+-]*)\s*$/;
const QUOTE = /^>\s?(.*)$/;
const BULLET = /^\s{0,3}[-*•]\s+(.+)$/;
const NUMBERED = /^\s{0,3}(\d{1,4})[.)]\s+(.+)$/;
const MAX_QUOTES = 4;

export function parse(text: string): Block[] {
  return blocks(text.split(/\r?\n/), 0);
}

function blocks(lines: readonly string[], depth: number): Block[] {
  const out: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const taken = fence(lines, at, out) || quote(lines, at, out, depth) || list(lines, at, out);
    if (taken > 0) {
      at += taken;
      continue;
    }
    const line = lines[at] ?? "";
    at += 1;
    const last = out.at(-1);
    if (last?.kind === "paragraph") last.lines.push(inline(line));
    else if (line.trim() !== "") out.push({ kind: "paragraph", lines: [inline(line)] });
  }
  for (const block of out) trimTail(block);
  return out.filter((b) => b.kind !== "paragraph" || b.lines.length > 0);
}

function trimTail(block: Block): void {
  if (block.kind !== "paragraph") return;
  while (block.lines.at(-1)?.length === 0) block.lines.pop();
}

function fence(lines: readonly string[], at: number, out: Block[]): number {
  const open = FENCE.exec(lines[at] ?? "");
  if (open === null) return 0;
  const end = lines.findIndex((l, i) => i > at && /^```\s*$/.test(l));
  if (end < 0) return 0;
  out.push({ kind: "code", language: open[1] ?? "", text: lines.slice(at + 1, end).join("\n") });
  return end - at + 1;
}

function quote(lines: readonly string[], at: number, out: Block[], depth: number): number {
  if (depth >= MAX_QUOTES) return 0;
  const inner: string[] = [];
  for (let i = at; i < lines.length; i += 1) {
    const match = QUOTE.exec(lines[i] ?? "");
    if (match === null) break;
    inner.push(match[1] ?? "");
  }
  if (inner.length > 0) out.push({ kind: "quote", blocks: blocks(inner, depth + 1) });
  return inner.length;
}

function list(lines: readonly string[], at: number, out: Block[]): number {
  const ordered = NUMBERED.exec(lines[at] ?? "");
  const pattern = ordered === null ? BULLET : NUMBERED;
  const items: Inline[][] = [];
  for (let i = at; i < lines.length; i += 1) {
    const match = pattern.exec(lines[i] ?? "");
    if (match === null) break;
    items.push(inline(match[ordered === null ? 1 : 2] ?? ""));
  }
  if (items.length > 0) {
    out.push({ kind: "list", ordered: ordered !== null, start: Number(ordered?.[1] ?? 1), items });
  }
  return items.length;
}

interface Rule {
  pattern: RegExp;
  make(match: RegExpExecArray): Inline | null;
}

// Each pattern is bounded and tried at one place only, so that no text makes parsing slow.
const RULES: readonly Rule[] = [
  { pattern: /`([^`\n]{1,2000})`/y, make: (m) => ({ kind: "code", text: m[1] ?? "" }) },
  { pattern: /https?:\/\/[^\s<>"'`]{1,2000}/iy, make: link },
  { pattern: /\*\*(?=\S)([^*\n]{1,2000})\*\*/y, make: (m) => wrap("strong", m) },
  { pattern: /\*(?=\S)([^*\n]{1,2000})\*(?!\w)/y, make: (m) => wrap("em", m) },
  { pattern: /_(?=\S)([^_\n]{1,2000})_(?!\w)/y, make: (m) => wrap("em", m) },
  { pattern: /~~(?=\S)([^~\n]{1,2000})~~/y, make: (m) => wrap("strike", m) },
  { pattern: /@([a-z0-9][a-z0-9._-]{0,31})/iy, make: mention },
];
const STARTS = /[`*_~@h]/gi;

export function inline(text: string): Inline[] {
  const out: Inline[] = [];
  let from = 0;
  let at = nextStart(text, 0);
  while (at < text.length) {
    const hit = ruleAt(text, at);
    if (hit === null) {
      at = nextStart(text, at + 1);
      continue;
    }
    pushText(out, text.slice(from, at));
    out.push(hit.node);
    from = at + hit.length;
    at = nextStart(text, from);
  }
  pushText(out, text.slice(from));
  return out;
}

function nextStart(text: string, from: number): number {
  STARTS.lastIndex = from;
  return STARTS.exec(text)?.index ?? text.length;
}

function ruleAt(text: string, at: number): { node: Inline; length: number } | null {
  if (at > 0 && /[\w/]/.test(text.charAt(at - 1)) && text.charAt(at) !== "`") return null;
  for (const rule of RULES) {
    rule.pattern.lastIndex = at;
    const match = rule.pattern.exec(text);
    if (match === null) continue;
    const node = rule.make(match);
    if (node !== null) return { node, length: lengthOf(node, match) };
  }
  return null;
}

function lengthOf(node: Inline, match: RegExpExecArray): number {
  if (node.kind === "link") return node.text.length;
  if (node.kind === "mention") return node.name.length + 1;
  return match[0].length;
}

function link(match: RegExpExecArray): Inline | null {
  let text = match[0].replace(/[.,;:!?*_~]+$/, "");
  if (text.endsWith(")") && !text.includes("(")) text = text.slice(0, -1);
  try {
    return { kind: "link", href: new URL(text).href, text };
  } catch {
    return null;
  }
}

function mention(match: RegExpExecArray): Inline {
  return { kind: "mention", name: (match[1] ?? "").replace(/[._-]+$/, "") };
}

function wrap(kind: "strong" | "em" | "strike", match: RegExpExecArray): Inline {
  return { kind, children: inline(match[1] ?? "") };
}

function pushText(out: Inline[], text: string): void {
  if (text !== "") out.push({ kind: "text", text });
}

/** The text as a listener should hear it: no marks, one line. */
export function plain(text: string): string {
  return text
    .replace(/^```[\w+-]*\s*$/gm, "")
    .replace(/^>\s?/gm, "")
    .replace(/[`*~]{1,2}/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

export function isEmojiOnly(text: string): boolean {
  return text.length <= 24 && /^(?:\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f|\u200d\p{Extended_Pictographic})*\s?){1,3}$/u.test(text);
}

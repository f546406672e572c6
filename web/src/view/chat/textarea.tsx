const encoder = new TextEncoder();

export function bytes(text: string): number {
  return encoder.encode(text).length;
}

/** As high as its text, up to what the style sheet allows. */
export function autosize(element: HTMLTextAreaElement): void {
  element.style.height = "auto";
  element.style.height = `${element.scrollHeight}px`;
}

/** Shown from 90% of the limit on. */
export function Counter({ text, limit }: { text: string; limit: number }) {
  // A UTF-16 unit is at most three bytes: most texts need not be encoded to know that they are short.
  if (limit === 0 || text.length * 3 < limit * 0.9) return null;
  const left = limit - bytes(text);
  if (left > limit * 0.1) return null;
  return (
    <span class={left < 0 ? "counter over" : "counter"} role="status">
      {left < 0 ? `${-left} too long` : `${left} left`}
    </span>
  );
}

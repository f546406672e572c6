export const isMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** A finger rather than a mouse: putting the focus in the composer would raise the on-screen keyboard unasked. */
export function isTouch(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}

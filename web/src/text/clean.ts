const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** What may be sent: no NUL, no halves of characters (a paste can leave them), no space around. */
export function clean(text: string): string {
  return text.replaceAll("\0", "").replace(LONE, "\ufffd").trim();
}

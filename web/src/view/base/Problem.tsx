/** What went wrong, in words, where the person is; nothing while nothing did. */
export function Problem({ text }: { text: string | null | undefined }) {
  if (text === null || text === undefined) return null;
  return (
    <p class="note error" role="alert">
      {text}
    </p>
  );
}

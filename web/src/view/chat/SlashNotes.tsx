import type { Id } from "@parley/client";
import { dismissNote, notes } from "../../slash";
import { IconButton } from "../base/IconButton";
import { Markup } from "./Markup";

/** What programs say to this person alone, until it is put away. */
export function SlashNotes({ channel }: { channel: Id }) {
  const mine = notes.value.filter((n) => n.channel === channel);
  if (mine.length === 0) return null;
  return (
    <section class="slash-notes" aria-label="Answers to your commands">
      {mine.map((note) => (
        <article key={note.id} class={note.failed ? "slash-note failed" : "slash-note"}>
          <div class="slash-note-text">
            <p class="message-head">
              <span class="author">{note.name}</span>
              <span class="tag">App</span>
              <span class="when">{note.failed ? "not done" : "only you can see this"}</span>
            </p>
            <div class="text">
              <Markup text={note.text} />
            </div>
          </div>
          <IconButton icon="x" label={`Put away what ${note.name} said`} onClick={() => dismissNote(note.id)} />
        </article>
      ))}
    </section>
  );
}

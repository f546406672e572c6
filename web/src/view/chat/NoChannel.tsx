import { dialog, drawerOpen } from "../../ui";
import { IconButton } from "../base/IconButton";

export function NoChannel() {
  return (
    <main class="conversation">
      <header class="head">
        <IconButton icon="menu" label="Channels" class="only-narrow" onClick={() => (drawerOpen.value = true)} />
      </header>
      <div class="empty">
        <h1>Pick a conversation</h1>
        <p>You are not in a channel at the moment.</p>
        <div class="row-actions">
          <button type="button" class="button primary" onClick={() => (dialog.value = { kind: "browse" })}>
            Browse channels
          </button>
          <button type="button" class="button" onClick={() => (dialog.value = { kind: "new-message" })}>
            Write to someone
          </button>
        </div>
      </div>
    </main>
  );
}

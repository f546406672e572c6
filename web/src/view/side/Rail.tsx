import { presenceChoice, setPresence, signOut, state, unsentCount } from "../../app";
import { explain } from "../../explain";
import { displayName, isAdmin } from "@parley/client/state";
import { dialog, toast } from "../../ui";
import { Avatar } from "../base/Avatar";
import { Icon } from "../base/Icon";
import type { IconName } from "../base/Icon";
import { Logo } from "../base/Logo";
import { Menu } from "../base/Menu";
import { isMac } from "../platform";

const PRESENCES = [
  { state: "online", label: "Online" },
  { state: "away", label: "Away" },
  { state: "dnd", label: "Do not disturb" },
] as const;

export function Rail() {
  const me = state.value.me;
  return (
    <nav class="rail" aria-label="Workspace">
      <Logo size={32} />
      <Tool icon="search" label="Go to…" hint={isMac ? "⌘K" : "Ctrl+K"} run={() => (dialog.value = { kind: "switcher" })} />
      <Tool icon="hash" label="Browse channels" run={() => (dialog.value = { kind: "browse" })} />
      <Tool icon="compose" label="New message" run={() => (dialog.value = { kind: "new-message" })} />
      {isAdmin(state.value) && (
        <Tool icon="user-plus" label="Invite people" run={() => (dialog.value = { kind: "invites" })} />
      )}
      <span class="rail-space" />
      <Tool icon="help" label="Keyboard shortcuts" hint="?" run={() => (dialog.value = { kind: "shortcuts" })} />
      <Tool icon="gear" label="Settings" run={() => (dialog.value = { kind: "settings", tab: "profile" })} />
      {me !== null && (
        <Menu
          label={`Account of ${displayName(me)}`}
          class="account"
          trigger={<Avatar user={me} id={me.id} presence={state.value.presence[me.id] ?? presenceChoice.value} />}
          heading={
            <p class="menu-heading">
              <strong>{displayName(me)}</strong>
              <span>@{me.name}</span>
            </p>
          }
          items={[
            ...PRESENCES.map((p) => ({
              label: p.label,
              checked: presenceChoice.value === p.state,
              icon: <span class={`presence ${p.state}`} />,
              run: () => {
                setPresence(p.state).catch((error: unknown) => toast(explain(error), "error"));
              },
            })),
            "line",
            {
              label: "Settings",
              icon: <Icon name="gear" size={16} />,
              run: () => (dialog.value = { kind: "settings", tab: "profile" }),
            },
            { label: "Sign out", icon: <Icon name="log-out" size={16} />, run: askSignOut },
          ]}
        />
      )}
    </nav>
  );
}

function askSignOut(): void {
  const unsent = unsentCount();
  if (unsent === 0) {
    void signOut();
    return;
  }
  dialog.value = {
    kind: "confirm",
    title: "Sign out and lose messages?",
    text: unsent === 1 ? "One message was not sent yet." : `${unsent} messages were not sent yet.`,
    action: "Sign out",
    danger: true,
    run: signOut,
  };
}

function Tool({ icon, label, hint, run }: { icon: IconName; label: string; hint?: string; run: () => void }) {
  return (
    <button
      type="button"
      class="rail-tool"
      aria-label={label}
      title={hint === undefined ? label : `${label} (${hint})`}
      onClick={run}
    >
      <Icon name={icon} size={20} />
    </button>
  );
}

import { Dialog } from "../base/Dialog";
import { SHORTCUTS } from "../keyboard";

export function Shortcuts() {
  return (
    <Dialog title="Keyboard shortcuts">
      <dl class="shortcuts">
        {SHORTCUTS.map((s) => (
          <div key={s.what}>
            <dt>{s.what}</dt>
            <dd>
              {s.keys.map((k) => (
                <kbd key={k}>{k}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

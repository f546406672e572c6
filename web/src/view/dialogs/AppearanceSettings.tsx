import { setTheme, theme } from "../../ui";
import type { Theme } from "../../ui";

const THEMES: readonly { id: Theme; label: string; note: string }[] = [
  { id: "system", label: "System", note: "As your device is set" },
  { id: "light", label: "Light", note: "Dark on light" },
  { id: "dark", label: "Dark", note: "Light on dark" },
];

export function AppearanceSettings() {
  return (
    <fieldset class="themes">
      <legend>Theme</legend>
      {THEMES.map((t) => (
        <label key={t.id} class={`theme-choice${theme.value === t.id ? " on" : ""}`}>
          <input type="radio" name="theme" checked={theme.value === t.id} onChange={() => setTheme(t.id)} />
          <span class={`theme-swatch ${t.id}`} aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span>
            {t.label}
            <span class="option-note">{t.note}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

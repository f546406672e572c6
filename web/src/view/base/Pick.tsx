interface Props<Value extends string | number> {
  label: string;
  options: readonly { value: Value; label: string }[];
  value: Value;
  onPick: (value: Value) => void;
}

/** One of a few, with its label before it. */
export function Pick<Value extends string | number>({ label, options, value, onPick }: Props<Value>) {
  return (
    <label class="pick">
      {label}
      <select
        value={String(value)}
        onChange={(e) => {
          const picked = options.find((o) => String(o.value) === e.currentTarget.value);
          if (picked !== undefined) onPick(picked.value);
        }}
      >
        {options.map((o) => (
          <option key={o.value} value={String(o.value)}>
            {o.label}
          </option>
        ))}
      </select>
    </label>
  );
}

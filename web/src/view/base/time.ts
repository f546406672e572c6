const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });
const dated = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function clockTime(at: string): string {
  return clock.format(new Date(at));
}

/** Without am and pm, for where there is little room and the day's half is clear from the rows around. */
export function briefTime(at: string): string {
  return clock
    .formatToParts(new Date(at))
    .filter((part) => part.type !== "dayPeriod")
    .map((part) => part.value)
    .join("")
    .trim();
}

export function fullTime(at: string): string {
  return full.format(new Date(at));
}

export function shortTime(at: string): string {
  return short.format(new Date(at));
}

export function longDate(at: string): string {
  return dated.format(new Date(at));
}

export function dayName(at: string, now: Date = new Date()): string {
  const day = new Date(at);
  const days = Math.round((midnight(now) - midnight(day)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return day.getFullYear() === now.getFullYear() ? weekday.format(day) : dated.format(day);
}

function midnight(d: Date): number {
  return new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
}

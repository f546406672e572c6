import { Component } from "preact";
import type { ComponentChild, ComponentClass } from "preact";

/** A component that renders again only when one of its properties is another value. */
export function pure<P extends object>(render: (props: P) => ComponentChild): ComponentClass<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return differs(this.props, next) || differs(next, this.props);
    }
    override render(): ComponentChild {
      return render(this.props);
    }
  };
}

function differs(a: object, b: object): boolean {
  return Object.entries(a).some(([key, value]) => !Object.is((b as Record<string, unknown>)[key], value));
}

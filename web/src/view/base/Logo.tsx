import logo from "../../favicon.svg";

export function Logo({ size }: { size: number }) {
  return <img class="logo" src={logo} width={size} height={size} alt="" />;
}

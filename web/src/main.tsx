import { render } from "preact";
import { boot } from "./app";
import { applyTheme } from "./ui";
import { App } from "./view/App";
import "./styles/index.css";

applyTheme();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
void boot();

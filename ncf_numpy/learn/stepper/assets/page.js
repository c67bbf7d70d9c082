// The page that stands alone: its data and texts are in it.

import { Stepper } from "./stepper.js";

const json = (name) => JSON.parse(document.querySelector(`script[data-json="${name}"]`).textContent);
const stepper = new Stepper(document.querySelector("main"), json("texts"));
stepper.show(json("data"));
document.querySelector("main").stepper = stepper;

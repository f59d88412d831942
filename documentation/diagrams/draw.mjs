// Draws a picture in Graphviz's language, from the standard input to the standard output, as SVG.
import { Graphviz } from "@hpcc-js/wasm-graphviz";
import { readFileSync } from "node:fs";

const graphviz = await Graphviz.load();
process.stdout.write(graphviz.dot(readFileSync(0, "utf8")));

// Compiles the Python sources of a folder with the functions' own Python, whichever one builds them:
//
//     node lambda/compile_for_aws.mjs FOLDER 3.13 node_modules/pyodide
//
// Byte code is of one version of CPython, and the same on every platform: Pyodide is that CPython,
// built for WebAssembly, and comes from npm.
import { pathToFileURL } from "node:url";

const [folder, wanted, pyodide] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
const python = await loadPyodide({ env: { PYTHONHASHSEED: "0" } }); // always the same byte code
const given = python.runPython("import sys; '{}.{}'.format(*sys.version_info)");
if (given !== wanted) {
  console.error(`pin a pyodide in package.json that is Python ${wanted}, got Python ${given}`);
  process.exit(1);
}
python.FS.mkdirTree("/asset");
python.FS.mount(python.FS.filesystems.NODEFS, { root: folder }, "/asset");
const compiled = python.runPython(`
import compileall, os, py_compile
os.chdir("/asset")
compileall.compile_dir(".", quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
`);
process.exit(compiled ? 0 : 1);

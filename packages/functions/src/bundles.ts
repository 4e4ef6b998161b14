import { fileURLToPath } from 'node:url';

/** The code of a function as it is deployed. `npm run build` makes it; it is not there before. */
export interface FunctionBundle {
  /** Folder of the code as it lies in the zip, for running it where it is. */
  readonly folder: string;
  /** The same as a zip: what Lambda is given. The same sources give the same bytes on every machine. */
  readonly zip: string;
  /** What Lambda is to call. */
  readonly handler: 'index.handler';
}

/** The function that filters events: its environment is {@link FilterEnvironment}. */
export const FILTER_BUNDLE: FunctionBundle = bundleOf('filter');

/** The function that builds and pushes indexes: its environment is {@link GeneratorEnvironment}. */
export const GENERATOR_BUNDLE: FunctionBundle = bundleOf('generator');

/**
 * The function that finds the repositories which filters are about, where these are a parameter of a stack: one file of CommonJS,
 * to be put into the template as it is. Its handler is `index.handler`.
 */
export const REPOSITORY_NAMES_FILE: string = pathOf('repository-names.js');

function bundleOf(name: string): FunctionBundle {
  return { folder: pathOf(name), zip: pathOf(`${name}.zip`), handler: 'index.handler' };
}

/** Beside `src`, as beside the built file. */
function pathOf(name: string): string {
  return fileURLToPath(new URL(`../dist/functions/${name}`, import.meta.url));
}

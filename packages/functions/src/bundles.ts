import { fileURLToPath } from 'node:url';

/** The code of a function as it is deployed. `pnpm build` makes it; it is not there before. */
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

function bundleOf(name: string): FunctionBundle {
  // Beside `src` as beside the built file.
  const path = (rest: string) => fileURLToPath(new URL(`../dist/functions/${rest}`, import.meta.url));
  return { folder: path(name), zip: path(`${name}.zip`), handler: 'index.handler' };
}

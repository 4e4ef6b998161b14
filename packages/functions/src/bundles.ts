import { fileURLToPath } from 'node:url';

/** Paths of the deployable code of a function, which the build creates. */
export interface FunctionBundle {
  /** Folder with the content of the zip. */
  readonly folder: string;
  /** The zip for Lambda. It is reproducible: the same sources produce the same bytes. */
  readonly zip: string;
  /** Handler for Lambda. */
  readonly handler: 'index.handler';
}

/** Function that filters events. Its environment is {@link FilterEnvironment}. */
export const FILTER_BUNDLE: FunctionBundle = bundleOf('filter');

/** Function that builds and pushes indexes. Its environment is {@link GeneratorEnvironment}. */
export const GENERATOR_BUNDLE: FunctionBundle = bundleOf('generator');

/**
 * Functions of the state machine that indexes a registry, with the handlers `plan.handler`, `list.handler`, `merge.handler` and
 * `report.handler`. Their environment is {@link JobsEnvironment}.
 */
export const JOBS_BUNDLE: Pick<FunctionBundle, 'folder' | 'zip'> = { folder: pathOf('jobs'), zip: pathOf('jobs.zip') };

/**
 * Path of the function that extracts repository names from filters in a stack parameter. It is one CommonJS file for inline code
 * in the template. Its handler is `index.handler`.
 */
export const REPOSITORY_NAMES_FILE: string = pathOf('repository-names.js');

function bundleOf(name: string): FunctionBundle {
  return { folder: pathOf(name), zip: pathOf(`${name}.zip`), handler: 'index.handler' };
}

/** Resolves a path in `dist/functions`, from both `src` and `dist`. */
function pathOf(name: string): string {
  return fileURLToPath(new URL(`../dist/functions/${name}`, import.meta.url));
}

import { fileURLToPath } from 'node:url';
import { TestAwsError } from '../errors.ts';

const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');
const BOOTSTRAP_URL = new URL(`../bootstrap.${RUNS_FROM_SOURCE ? 'ts' : 'js'}`, import.meta.url);

/** The program that runs a function by our own runtime client. @throws TestAwsError `OPTION_INVALID` */
export function runtimeClientProgram(node: string): readonly string[] {
  if (!RUNS_FROM_SOURCE) return [node, fileURLToPath(BOOTSTRAP_URL)];
  if (node === process.execPath && !process.features.typescript) {
    throw new TestAwsError(
      'OPTION_INVALID',
      `${node} cannot run the runtime client from its source: name another \`node\``,
    );
  }
  return [node, '--disable-warning=ExperimentalWarning', fileURLToPath(BOOTSTRAP_URL)];
}

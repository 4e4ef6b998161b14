// `pnpm test:stack [FLAGS OF VITEST]`: gets linters of templates and AWS's emulator, and holds the templates and the deployed
// stack against them.
import { getParts } from './parts.mjs';
import { runConformance } from './run-conformance.mjs';
import { STACK_PARTS } from './stack/parts.mjs';

await runConformance({ folder: 'stack', getParts: () => getParts(STACK_PARTS), variable: 'STACK_PARTS' });

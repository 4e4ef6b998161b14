// `pnpm test:lambda [FLAGS OF VITEST]`: gets what AWS Lambda runs functions with, and runs our bundles there.
import { LAMBDA_PARTS } from './lambda/parts.mjs';
import { getParts } from './parts.mjs';
import { runConformance } from './run-conformance.mjs';

await runConformance({ folder: 'lambda', getParts: () => getParts(LAMBDA_PARTS), variable: 'LAMBDA_PARTS' });

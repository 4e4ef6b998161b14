// `npm run test:integrations -- [VITEST OPTIONS]`: runs the integrations of docs/integrations.md with the packed packages
// and with the real tools, as far as they run without an account.
import { runSuite } from './run-suite.mjs';

await runSuite({ folder: 'integrations', tools: [] });

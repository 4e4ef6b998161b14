// `npm run test:filter -- [VITEST OPTIONS]`: compares @soci/filter with Python's fnmatch and AWS's matcher of event
// patterns.
import { join } from 'node:path';
import { runStep } from '../../scripts/run-step.mjs';
import { ROOT } from '../../scripts/setup.mjs';
import { answers, cached, hasPython } from './get-tools.mjs';
import { runSuite } from './run-suite.mjs';

/** The same version as in conformance/filter/ruler/pom.xml. */
const RULER = 'event-ruler-1.7.3';

await runSuite({
  folder: 'filter',
  tools: [
    {
      name: 'python',
      what: 'Python',
      get: async () => (hasPython() ? 'python3' : undefined),
      remedy: 'Install python3 3.9 or newer.',
    },
    {
      name: 'ruler',
      what: 'event-ruler',
      get: getRuler,
      remedy: 'Install a JDK 11 or newer and mvn. Maven Central must be reachable.',
    },
  ],
});

/** Returns the class path of the matcher, which Maven downloads once. Undefined without Maven or a JDK. */
async function getRuler() {
  if (!answers('javac', ['--version'])) return undefined;
  const pom = join(ROOT, 'conformance', 'filter', 'ruler', 'pom.xml');
  const jars = await cached(RULER, (folder) => {
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
    return runStep('getting event-ruler', 'mvn', ['--batch-mode', '--quiet', '--file', pom, ...goal]);
  });
  return jars && join(jars, '*');
}

// With `soci_compat=soci-cli`, the generator returns the recorded results of the reference for golden layouts.
import type { GeneratorResponse } from '@soci/functions';
import { startTestLambda, type TestLambda } from '@soci/test-aws';
import { type GoldenRun, readGoldenRuns } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goldenImage } from '../registries/golden-layout.ts';
import { generatorFunction } from './functions.ts';
import { pushLayout } from './push.ts';
import { RUNTIMES } from './runtimes.ts';
import { resultOf } from './workflow.ts';

/** Amazon ECR rejects manifests with these media types. */
const LEFT_OUT = ['unknown-fields'];

/** Runs with other options are skipped, because the generator has no settings for them. */
const CASES = Object.entries(readGoldenRuns())
  .filter(([name]) => !LEFT_OUT.includes(name))
  .flatMap(([name, runs]) =>
    runs.filter(({ run }) => !run.xattr && run.prefetch.length === 0).map((golden) => ({ name, ...golden })),
  );

for (const runtime of RUNTIMES) {
  describe.skipIf(!runtime.isAvailable)(runtime.name, () => {
    let registry: TestRegistry;
    let lambda: TestLambda;
    const deployed = new Set<string>();

    beforeAll(async () => {
      registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true });
      lambda = await startTestLambda();
    });
    afterAll(() => Promise.all([registry.stop(), lambda.stop()]));

    /** Returns the generator with the settings of a run. Deployed once for each run. */
    function deploy({ v, span, min }: GoldenRun['run']): string {
      const name = `generator-v${v}-${span}-${min}`;
      if (deployed.has(name)) return name;
      deployed.add(name);
      const environment = {
        soci_compat: 'soci-cli',
        soci_index_version: `V${v}`,
        soci_span_size: String(span),
        soci_min_layer_size: String(min),
      };
      lambda.createFunction(generatorFunction(runtime, registry, { name, environment }));
      return name;
    }

    for (const { name, run, printed } of CASES) {
      const { v, span, min } = run;
      test(`${name}, version ${v}, spans of ${span}, layers from ${min}`, async () => {
        const repository = `golden/${name}-${v}-${span}-${min}`;
        await pushLayout(registry, repository, 'v1', goldenImage(name).folder);
        const answer = resultOf<GeneratorResponse>(await lambda.invoke(deploy(run), registry.events.at(-1)));
        if (printed === undefined) {
          expect(answer.outcome).not.toBe('indexed');
          expect(registry.tags(repository)).toEqual(['v1']);
          return;
        }
        if (answer.outcome !== 'indexed') throw new Error(answer.body);
        expect([answer.root ?? answer.indexes].flat().map(({ digest }) => digest)).toEqual(
          printed.map(({ digest }) => digest),
        );
        for (const { digest } of printed) expect(registry.checkGraph(repository, digest)).toEqual([]);
      });
    }
  });
}

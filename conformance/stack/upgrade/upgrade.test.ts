// Stacks deployed from the templates of the last release, updated to the current ones by the CloudFormation of moto.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REPORTS } from '../../run-report.ts';
import { findTool } from '../../tools/tools.ts';
import type { AwsCalls } from '../aws/aws-calls.ts';
import { fillBucket, putCode } from '../aws/code-bucket.ts';
import { type Moto, startMoto } from '../aws/moto.ts';
import { bootstrap, DeployedStack, type StackParameters } from '../aws/stack.ts';
import { lostResources, statefulResources } from './stateful-resources.ts';

const BUCKET = 'upgrades';
const FOLDER = join(REPORTS.stack.folder, 'current');

/** Returns the path of a template of the last release. */
const released = (name: TemplateName) => join(import.meta.dirname, 'released', `${name}.json`);
/** Returns the path of the same template, built from the current sources. */
const current = (name: TemplateName) => join(FOLDER, `${name}.json`);

type TemplateName = 'plain' | 'construct';

const PLAIN_TYPES = { 'AWS::Lambda::Function': 3 };
const CONSTRUCT_TYPES = { 'AWS::Lambda::Function': 3, 'AWS::Logs::LogGroup': 3, 'AWS::SQS::Queue': 1 };

describe.skipIf(findTool('moto') === undefined)('a stack of the last release', () => {
  let moto: Moto;
  let aws: AwsCalls;

  beforeAll(async () => {
    execFileSync(process.execPath, [join(import.meta.dirname, 'write-templates.mjs'), FOLDER], { stdio: 'pipe' });
    moto = await startMoto();
    ({ aws } = moto);
    await fillBucket(aws, BUCKET);
    await putCode(aws, BUCKET, readFileSync(released('plain'), 'utf8'));
    await bootstrap(aws, [released('construct'), current('construct')]);
  });
  afterAll(() => moto.stop());

  test.each<[name: TemplateName, before: StackParameters, after: StackParameters, types: object]>([
    ['plain', { QSS3BucketName: BUCKET }, { QSS3BucketName: BUCKET, MemorySize: '2048' }, PLAIN_TYPES],
    [
      'plain',
      { QSS3BucketName: BUCKET, ResourceNames: 'fixed' },
      { QSS3BucketName: BUCKET, ResourceNames: 'fixed', SociIndexVersion: 'V1' },
      PLAIN_TYPES,
    ],
    ['construct', {}, { Filters: 'dev/*:*' }, CONSTRUCT_TYPES],
  ])(
    'of the %s template, with %j, is updated without replacing anything that keeps data',
    async (name, before, after, types) => {
      const stack = await DeployedStack.create(aws, 'upgraded', before, released(name));
      expect(await stack.status()).toBe('CREATE_COMPLETE');
      const deployed = await statefulResources(aws, stack);
      expect(countTypes(deployed)).toEqual(types);
      const outputs = await stack.outputs();

      await stack.update(after, current(name));
      expect(await stack.status()).toBe('UPDATE_COMPLETE');
      expect(lostResources(deployed, await statefulResources(aws, stack))).toEqual([]);
      // moto replaces a rule whose pattern changes. CloudFormation updates it, and it keeps no data.
      const { EventBridgeRule: _, ...kept } = outputs;
      expect(await stack.outputs()).toMatchObject(kept);
      await stack.delete();
    },
  );

  test('loses a queue whose logical id changes, which the comparison shows', async () => {
    const renamed = join(REPORTS.stack.folder, 'renamed.json');
    const text = readFileSync(current('construct'), 'utf8');
    writeFileSync(renamed, text.replace(/SociDeadLetterQueue(?=[0-9A-F]{8}")/g, 'SociFailedEvents'));
    const stack = await DeployedStack.create(aws, 'renamed', {}, released('construct'));
    const deployed = await statefulResources(aws, stack);
    await stack.update({}, renamed);
    const lost = lostResources(deployed, await statefulResources(aws, stack));
    expect(lost.map(({ type }) => type)).toEqual(['AWS::SQS::Queue']);
    await stack.delete();
  });
});

function countTypes(resources: readonly { readonly type: string }[]): Record<string, number> {
  const groups = Object.groupBy(resources, ({ type }) => type);
  return Object.fromEntries(Object.entries(groups).map(([type, members]) => [type, members?.length ?? 0]));
}

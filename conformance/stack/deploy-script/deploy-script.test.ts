// deploy.sh of a written package, with the real AWS CLI and moto.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProgramRun, runProgram } from '../../registries/run-program.ts';
import { REPORTS } from '../../run-report.ts';
import { findTool, toolPath } from '../../tools/tools.ts';
import { ACCOUNT, type AwsCalls } from '../aws/aws-calls.ts';
import { type Moto, startMoto } from '../aws/moto.ts';
import { PACKAGE_FOLDER } from '../templates/templates.ts';

const REGION = 'eu-west-1';
const BUCKET = `soci-index-builder-${ACCOUNT}-${REGION}`;
const SCRIPT = join(PACKAGE_FOLDER, 'deploy.sh');
const SOURCE = join(import.meta.dirname, '..', '..', '..', 'apps', 'stack', 'deploy.sh');

test.skipIf(findTool('shellcheck') === undefined)('shellcheck accepts deploy.sh', async () => {
  const { code, stdout } = await runProgram(toolPath('shellcheck'), [SOURCE]);
  expect(code, stdout.toString()).toBe(0);
});

describe.skipIf(findTool('moto') === undefined || findTool('awsCli') === undefined)('deploy.sh', () => {
  const home = join(REPORTS.stack.folder, 'home');
  let moto: Moto;
  let aws: AwsCalls;
  let env: Record<string, string>;

  beforeAll(async () => {
    mkdirSync(home, { recursive: true });
    // Amazon S3 denies access to buckets of other accounts. moto allows it by default.
    moto = await startMoto({}, undefined, { MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS: 'false' });
    ({ aws } = moto);
    env = {
      PATH: `${toolPath('awsCli')}:/usr/bin:/bin`,
      HOME: home,
      AWS_ENDPOINT_URL: aws.url,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  });
  afterAll(() => moto.stop());

  const deploy = (args: readonly string[], others: Readonly<Record<string, string>> = {}) =>
    runProgram('sh', [SCRIPT, ...args], { env: { ...env, ...others } });
  const deployWell = async (...args: string[]) => {
    const run = await deploy(['--region', REGION, ...args]);
    expect(run.code, textOf(run)).toBe(0);
    return run.stdout.toString();
  };
  const ask = async (...args: string[]) => {
    const run = await runProgram('aws', [...args, '--region', REGION, '--output', 'json'], { env });
    expect(run.code, run.stderr).toBe(0);
    return JSON.parse(run.stdout.toString());
  };
  const parametersOf = async (stack: string): Promise<Record<string, string>> => {
    const { Stacks } = await ask('cloudformation', 'describe-stacks', '--stack-name', stack);
    const all = Stacks[0].Parameters as { readonly ParameterKey: string; readonly ParameterValue: string }[];
    return Object.fromEntries(all.map(({ ParameterKey, ParameterValue }) => [ParameterKey, ParameterValue]));
  };
  const eventsOf = async (stack: string) =>
    (await ask('cloudformation', 'describe-stack-events', '--stack-name', stack)).StackEvents.length as number;

  test('creates a bucket, uploads the zips, deploys the template, and prints its outputs', async () => {
    const output = await deployWell('SociRepositoryImageTagFilters=prod/*:*,!*:*-test', 'Alarms=true');
    expect(output).toContain(`Bucket ${BUCKET} created.`);
    expect(output).toMatch(/\nGeneratorFunction\tsoci-SociIndexGeneratorLambda-\w+\n/);
    expect(await parametersOf('soci')).toMatchObject({
      SociRepositoryImageTagFilters: 'prod/*:*,!*:*-test',
      Alarms: 'true',
      QSS3BucketName: BUCKET,
      QSS3KeyPrefix: expect.stringMatching(/^soci-index-builder\/[0-9a-f]{12}\/$/),
    });
  });

  test('changes nothing when it runs again', async () => {
    const events = await eventsOf('soci');
    const output = await deployWell();
    expect(output).toContain(`Bucket ${BUCKET} exists.`);
    expect(output).not.toContain('upload:');
    expect(output).toContain('No changes to deploy. Stack soci is up to date');
    expect(output).toContain('GeneratorFunction\t');
    expect(await eventsOf('soci')).toBe(events);
  });

  test('changes the given parameters, and keeps the others', async () => {
    expect(await deployWell('MemorySize=3538')).toContain('Successfully created/updated stack - soci');
    expect(await parametersOf('soci')).toMatchObject({ MemorySize: '3538', Alarms: 'true' });
  });

  test('prints why resources failed, and how to continue', async () => {
    const failed = await deploy(['--region', REGION, '--stack-name', 'wrong', 'SociRepositoryImageTagFilters=a:[z-a]']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('  InvokeRepositoryNameParsingLambda: invalid filters');
    expect(failed.stderr).toContain('deploy.sh: the stack wrong was not deployed.');
    const again = await deploy(['--region', REGION, '--stack-name', 'wrong']);
    expect(again.stderr).toContain('its status is ROLLBACK_COMPLETE. Fix the reasons above, run deploy.sh --delete');
    expect(again.stderr).toContain('the range z-a is reversed');
  });

  test('deletes a stack, and keeps the bucket', async () => {
    for (const stack of ['wrong', 'soci']) {
      expect(await deployWell('--delete', '--stack-name', stack)).toContain('Deleted. The bucket');
      expect(await deployWell('--delete', '--stack-name', stack)).toContain(`Stack ${stack} does not exist`);
    }
    await ask('s3api', 'list-objects-v2', '--bucket', BUCKET);
  });

  test('does not use a bucket of another account', async () => {
    const role = ['--role-arn', 'arn:aws:iam::111122223333:role/Other', '--role-session-name', 'other'];
    const { Credentials } = await ask('sts', 'assume-role', ...role);
    const others = {
      AWS_ACCESS_KEY_ID: Credentials.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: Credentials.SecretAccessKey,
      AWS_SESSION_TOKEN: Credentials.SessionToken,
    };
    const create = ['s3api', 'create-bucket', '--bucket', 'theirs', '--region', 'us-east-1'];
    expect((await runProgram('aws', create, { env: { ...env, ...others } })).code).toBe(0);
    const run = await deploy(['--region', 'us-east-1', '--bucket', 'theirs']);
    expect([run.code, run.stderr]).toEqual([
      1,
      expect.stringContaining('cannot use the bucket theirs: it belongs to another account'),
    ]);
  });

  test('does not change a stack of another template', async () => {
    const template = '{"Resources":{"Topic":{"Type":"AWS::SNS::Topic"}}}';
    await ask('cloudformation', 'create-stack', '--stack-name', 'other', '--template-body', template);
    for (const options of [[], ['--delete']]) {
      const run = await deploy(['--region', REGION, '--stack-name', 'other', ...options]);
      expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('other is not a SOCI index builder')]);
    }
  });

  test.concurrent.each<
    [what: string, args: readonly string[], others: Record<string, string>, code: number, message: string]
  >([
    ['without the AWS CLI', [], { PATH: '/usr/bin:/bin' }, 1, 'the AWS CLI is missing. Install it'],
    ['without a Region', [], {}, 1, 'no Region is set. Use --region'],
    [
      'without credentials',
      ['--region', REGION],
      { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
      1,
      'no credentials. Run "aws configure"',
    ],
    [
      'with an unknown profile',
      ['--region', REGION, '--profile', 'nobody'],
      {},
      1,
      'profile (nobody) could not be found',
    ],
    [
      'with a misspelled Region',
      ['--region', 'eu-wst-1'],
      { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' },
      1,
      'cannot connect to AWS in the Region eu-wst-1. Check its name',
    ],
    ['with a bucket in another Region', ['--region', 'us-east-1', '--bucket', BUCKET], {}, 1, `is in ${REGION}`],
    [
      'with an unknown parameter',
      ['MemorySiz=1'],
      {},
      2,
      'no parameter MemorySiz. It has: SociRepositoryImageTagFilters',
    ],
    [
      'with a parameter in the wrong case',
      ['memorySize=512'],
      {},
      2,
      'no parameter memorySize. It has: SociRepository',
    ],
    ['with a parameter that it sets', ['QSS3BucketName=x'], {}, 2, 'Use --bucket to choose the bucket'],
    ['with an unknown option', ['--wrong'], {}, 2, "unknown argument '--wrong'. See --help"],
    ['with an option without a value', ['--bucket'], {}, 2, '--bucket needs a value'],
    [
      'with an empty value, which would be any stack',
      ['--delete', '--stack-name', ''],
      {},
      2,
      '--stack-name needs a va',
    ],
    ['with --delete and a parameter', ['--delete', 'Alarms=true'], {}, 2, '--delete takes no parameters'],
  ])('fails %s, and says what to do', async (_what, args, others, code, message) => {
    const run = await deploy(args, others);
    expect([run.code, run.stderr]).toEqual([code, expect.stringContaining(message)]);
  });

  test('fails without a package, and says how to get one', async () => {
    const run = await runProgram('sh', [SOURCE], { env });
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('Unpack cloudformation.tar.gz of a release')]);
  });
});

function textOf({ stdout, stderr }: ProgramRun): string {
  return `${stdout}${stderr}`;
}

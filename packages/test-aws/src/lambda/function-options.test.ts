import { expect, test } from 'vitest';
import { makeFunctionFolder } from '../fixtures/function-folder.ts';
import { startLambdaForTest } from '../fixtures/running.ts';

const SHOW = `
  const atStart = { ...process.env };
  export const handler = async () => ({ atStart, cwd: process.cwd(), trace: process.env._X_AMZN_TRACE_ID });
`;

test('a timeout has at most 1,800 seconds', async () => {
  const lambda = await startLambdaForTest();
  const folder = makeFunctionFolder(SHOW, 'main.mjs');
  lambda.createFunction({ name: 'long', folder, handler: 'main.handler', timeout: 1800 });
  const create = () => lambda.createFunction({ name: 'longer', folder, handler: 'main.handler', timeout: 1801 });
  expect(create).toThrow('timeout is 1801: expected a whole number from 1 to 1800');
});

test('a process gets the variables of Lambda, its own variables, and only PATH from the test', async () => {
  const lambda = await startLambdaForTest({ region: 'eu-west-1' });
  const folder = makeFunctionFolder(SHOW, 'main.mjs');
  const environment = { FILTER: 'team/*:v*', TZ: 'Europe/Berlin' };
  lambda.createFunction({ name: 'filter', folder, handler: 'main.handler', environment, memorySize: 512 });
  const { outcome } = await lambda.invoke('filter', {});
  expect(outcome).toEqual({
    status: 'success',
    result: {
      atStart: {
        PATH: process.env.PATH,
        LANG: 'en_US.UTF-8',
        LD_LIBRARY_PATH: expect.any(String),
        TZ: 'Europe/Berlin',
        FILTER: 'team/*:v*',
        _HANDLER: 'main.handler',
        LAMBDA_TASK_ROOT: folder,
        AWS_REGION: 'eu-west-1',
        AWS_DEFAULT_REGION: 'eu-west-1',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        AWS_LAMBDA_RUNTIME_API: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        AWS_LAMBDA_FUNCTION_NAME: 'filter',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/filter',
        AWS_LAMBDA_LOG_STREAM_NAME: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/),
        AWS_ACCESS_KEY_ID: expect.any(String),
        AWS_SECRET_ACCESS_KEY: expect.any(String),
        AWS_SESSION_TOKEN: expect.any(String),
      },
      cwd: folder,
      trace: expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/),
    },
  });
});

test.each([
  [{ AWS_REGION: 'eu-west-1' }, 'AWS_REGION is reserved by Lambda'],
  [{ '1ST': 'x' }, 'invalid variable name'],
  [{ LONG: 'x'.repeat(4096) }, '4100 bytes'],
])('rejects the variables %o', async (environment, message) => {
  const lambda = await startLambdaForTest();
  const folder = makeFunctionFolder(SHOW);
  expect(() => lambda.createFunction({ name: 'filter', folder, environment })).toThrow(message);
});

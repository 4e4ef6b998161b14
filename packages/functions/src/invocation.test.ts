import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';

const MODULE = new URL('invocation.ts', import.meta.url).href;
const CONTEXT = {
  awsRequestId: 'request-1',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:app',
  functionName: 'app',
  memoryLimitInMB: '256',
};

/** Runs code with `log` and `context` in a process. Returns its lines of standard output and standard error. */
async function run(code: string, env: Readonly<Record<string, string>> = {}, delay = 0) {
  const source = `
    import { openLog } from ${JSON.stringify(MODULE)};
    const [log, context] = [openLog('soci-test'), ${JSON.stringify(CONTEXT)}];
    ${code}`;
  const args = ['--conditions=@soci/source', '--input-type=module', '--eval', source];
  const { stdout, stderr } = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  await sleep(delay); // Until then, the pipes are not read.
  const [out, err] = await Promise.all([text(stdout), text(stderr)]);
  const linesOf = (all: string) => all.split('\n').slice(0, -1);
  const parse = (all: string) => linesOf(all).map((line) => JSON.parse(line));
  return { out: parse(out), err: parse(err), text: out + err };
}

it('writes the fields of the invocation, added fields, and details, without empty ones', async () => {
  const { out } = await run(
    `log.begin(context);
     log.add({ repository: 'app', tag: '' });
     log.info('indexed', { outcome: 'indexed', reason: undefined, size: 5n });
     log.begin(context);
     log.info('again', { message: 'forged', level: 'ERROR' });`,
    {
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      _X_AMZN_TRACE_ID: 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0',
    },
  );
  const invocation = {
    level: 'INFO',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    service: 'soci-test',
    function_arn: CONTEXT.invokedFunctionArn,
    function_memory_size: '256',
    function_name: 'app',
    function_request_id: 'request-1',
    xray_trace_id: '1-5bef4de7-ad49b0e87f6ef6c87fc2e700',
  };
  expect(out).toEqual([
    { ...invocation, cold_start: true, message: 'indexed', repository: 'app', outcome: 'indexed', size: '5' },
    { ...invocation, cold_start: false, message: 'again' },
  ]);
  expect(Object.keys(out[0])[0]).toBe('level');
});

it.each([
  [{}, ['info', 'warn', 'error']],
  [{ POWERTOOLS_LOG_LEVEL: 'debug' }, ['debug', 'info', 'warn', 'error']],
  [{ LOG_LEVEL: 'WARN' }, ['warn', 'error']],
  [{ POWERTOOLS_LOG_LEVEL: 'DEBUG', AWS_LAMBDA_LOG_LEVEL: 'ERROR' }, ['error']],
  [{ AWS_LAMBDA_LOG_LEVEL: 'FATAL' }, []],
  [{ POWERTOOLS_LOG_LEVEL: 'verbose' }, ['info', 'warn', 'error']],
])('with %j, writes %j', async (env, expected) => {
  const code = "for (const level of ['debug', 'info', 'warn', 'error']) log[level](level);";
  const { out, err } = await run(code, env as Readonly<Record<string, string>>);
  expect([...out, ...err].map(({ message }) => message)).toEqual(expected);
  expect(err.every(({ level }) => level === 'WARN' || level === 'ERROR')).toBe(true);
});

it('writes errors with their causes, and omits cycles', async () => {
  const { err } = await run(`
    const cause = Object.assign(new TypeError('inner'), { code: 'ECONNRESET' });
    cause.cause = new Error('outer', { cause });
    log.error('failed', { error: cause.cause, list: [cause.cause.message, { cause }] });`);
  expect(err).toMatchObject([
    {
      level: 'ERROR',
      error: {
        name: 'Error',
        message: 'outer',
        stack: expect.stringContaining('at '),
        cause: { name: 'TypeError', message: 'inner', code: 'ECONNRESET' },
      },
      list: ['outer', { cause: { message: 'inner' } }],
    },
  ]);
  expect(err[0].error.cause.cause).toBeUndefined();
});

it('escapes unprintable characters', async () => {
  const { out, text } = await run(`log.info('a\\u202e\\u001b[2J\\nb');`);
  expect(out[0].message).toBe('a\u202e\u001b[2J\nb');
  expect(text).toContain('a\\u202e\\u001b[2J\\nb');
});

it('loses no line if the pipe is full and other code has made it non-blocking', async () => {
  const code = "process.stdout.write('{}\\n'); for (let i = 0; i < 40; i++) log.info('x'.repeat(10_000), { i });";
  const { out } = await run(code, {}, 500);
  expect(out.slice(1).map(({ i, message }) => [i, message.length])).toEqual(
    Array.from({ length: 40 }, (_, i) => [i, 10_000]),
  );
});

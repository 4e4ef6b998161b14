// Images that are indexed while a stack is deployed: the custom resources of moto's CloudFormation, with the deployed code under the
// Runtime API; and what it does there beside what the deployed role allows.
import { openRegistry } from '@soci/registry';
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTool } from '../../tools/tools.ts';
import { getFunction, getRolePolicies, listNames } from '../aws/deployed.ts';
import { type Moto, startMoto } from '../aws/moto.ts';
import { bootstrap, DeployedStack } from '../aws/stack.ts';
import { allows, type Call, type Policy, unusedPermissions } from '../iam/policy.ts';
import { readTemplate, templatePath } from '../templates/templates.ts';
import { callsOfEcr, callsOfLog, callsOfRequests } from './calls.ts';
import { startRecordingProxy } from './recording-proxy.ts';

const TEMPLATE = 'indexed-images';
const REPOSITORY = 'prod/app';

/** More than the 10 MiB below which layers are left out. */
const LARGE = 12 << 20;

/** What there is after a step. */
interface Seen {
  readonly tags: readonly string[];
  /** Digest of the image that the output `Image` names. */
  readonly deployed: string | undefined;
  /** Of the SOCI-enabled image of `v1`, and of `v2`. */
  readonly roots: readonly (string | undefined)[];
  /** How many SOCI indexes refer to the image that is indexed without being waited for. */
  readonly referrers: number;
}

describe.skipIf(findTool('moto') === undefined)('a stack with images that it indexes', () => {
  let registry: TestRegistry;
  let moto: Moto;
  let created: Seen;
  let updated: Seen;
  let deleted: Seen;
  let leftOver: readonly string[];
  let policies: readonly Policy[];
  let calls: readonly Call[];

  beforeAll(async () => {
    registry = await startTestRegistry({ auth: 'ecr', ecr: true, redirects: true });
    const ecr = await startRecordingProxy(registry.awsEndpoint);
    moto = await startMoto({ soci_registry_host: registry.host, AWS_ENDPOINT_URL_ECR: ecr.endpoint });
    await bootstrap(moto.aws, [templatePath(TEMPLATE)]);
    // The second one's base has been indexed with the first, the third's with both.
    const base = makeLayer('base', LARGE);
    for (const tag of ['v1', 'v2', 'v3']) {
      registry.createRepository(REPOSITORY);
      await pushImage(registry, REPOSITORY, tag, makeImage([base, makeLayer(tag, LARGE)]));
    }
    const requests: TestRegistry['requests'][number][] = [];
    registry.clearRequests();
    const look = async (stack?: DeployedStack): Promise<Seen> => {
      requests.push(...registry.requests);
      const { Image } = stack === undefined ? {} : await stack.outputs();
      const seen = {
        tags: registry.tags(REPOSITORY),
        deployed: Image?.split('@')[1],
        roots: ['v1-soci', 'v2-soci'].map((tag) => registry.manifest(REPOSITORY, tag)?.digest),
        referrers: await countReferrers(registry, 'v3'),
      };
      // What follows are requests of the function.
      registry.clearRequests();
      return seen;
    };

    const stack = await DeployedStack.create(moto.aws, 'app', {}, templatePath(TEMPLATE));
    created = await look(stack);
    await stack.update({ Tag: 'v2' });
    updated = await look(stack);
    const indexer = await getFunction(moto.aws, stack, functionId());
    policies = await getRolePolicies(moto.aws, indexer);
    await stack.delete();
    deleted = await look();
    leftOver = await listNames(moto.aws);
    await ecr.stop();
    calls = [
      ...callsOfRequests(requests),
      ...callsOfEcr(ecr.calls),
      ...callsOfLog(indexer.FunctionName),
      ...laterRequests(moto).map(() => ({ action: 'lambda:InvokeFunction', resource: indexer.FunctionArn })),
    ];
  });
  afterAll(async () => {
    await Promise.all([moto.stop(), registry.stop()]);
  });

  test('has an index of each, whether it waits for that or not, and deploys what has one', () => {
    expect(created).toMatchObject({ tags: ['v1', 'v1-soci', 'v2', 'v3'], deployed: created.roots[0], referrers: 1 });
    expect(laterRequests(moto)).toHaveLength(1);
  });

  test('that is given another image has that one indexed, and the index before deleted', () => {
    expect(updated).toMatchObject({ tags: ['v1', 'v2', 'v2-soci', 'v3'], deployed: updated.roots[1], referrers: 1 });
  });

  test('takes its indexes along when it is deleted, and nothing else', () => {
    expect(deleted).toMatchObject({ tags: ['v1', 'v2', 'v3'], referrers: 0 });
    expect(leftOver).toEqual([]);
  });

  test('has a role that allows what its function does', () => {
    expect(calls.filter((call) => !allows(policies, call))).toEqual([]);
  });

  test('has a role that allows nothing that its function never does', () => {
    expect(unusedPermissions(policies, calls)).toEqual([]);
  });
});

/** Its logical id: the one function that the images share. */
function functionId(): string {
  const all = Object.entries(readTemplate(TEMPLATE).Resources).filter(
    ([, { Type }]) => Type === 'AWS::Lambda::Function',
  );
  const [[id] = [], ...others] = all;
  if (id === undefined || others.length > 0) throw new Error(`${TEMPLATE} has ${all.length} functions`);
  return id;
}

/** What the function has left for itself. */
function laterRequests({ customResources }: Moto): readonly unknown[] {
  return customResources.invocations.filter(
    ({ payload }) => (payload as { readonly RequestType: string }).RequestType === 'Later',
  );
}

async function countReferrers({ host, credentials }: TestRegistry, tag: string): Promise<number> {
  const client = openRegistry(host, { credentials: async () => ({ kind: 'password', ...credentials }) });
  try {
    const repository = client.repository(REPOSITORY);
    const found = await Array.fromAsync(repository.referrers(await repository.resolve(tag)));
    return found.length;
  } finally {
    client.close();
  }
}

import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

/** A cluster in an Amazon ECS that knows only what `gc` reads. moto has no service revisions. */
export interface TestCluster {
  readonly endpoint: string;
  /** Image of the task. */
  task: { readonly image: string; readonly imageDigest: string };
  /** Image of the current revision of the service. */
  revision: { readonly image: string; readonly imageDigest: string };
  /** Image of the task definition of the service. Amazon ECS does not know its digest. */
  definition: { readonly image: string };
  stop(): Promise<void>;
}

const NONE = { image: 'nothing:v1', imageDigest: `sha256:${'0'.repeat(64)}` };

/** Starts an Amazon ECS with one cluster, one service and one task. */
export async function startTestCluster(): Promise<TestCluster> {
  const images = { task: NONE, revision: NONE, definition: { image: NONE.image } };
  const answers: Readonly<Record<string, () => object>> = {
    ListTasks: () => ({ taskArns: ['task-1'] }),
    DescribeTasks: () => ({ tasks: [{ containers: [images.task] }] }),
    ListServices: () => ({ serviceArns: ['service-1'] }),
    DescribeServices: () => ({
      services: [{ taskDefinition: 'definition-1', currentServiceRevisions: [{ arn: 'revision-1' }] }],
    }),
    DescribeServiceRevisions: () => ({ serviceRevisions: [{ containerImages: [images.revision] }] }),
    DescribeTaskDefinition: () => ({ taskDefinition: { containerDefinitions: [images.definition] } }),
  };
  const server = createServer(async (request, response) => {
    const { cluster } = (await json(request)) as { readonly cluster?: string };
    const name = String(request.headers['x-amz-target']).split('.').pop() ?? '';
    const isKnown = cluster === undefined || cluster.endsWith(':cluster/web');
    const answer = isKnown ? answers[name]?.() : { __type: 'ClusterNotFoundException' };
    response.writeHead(answer === undefined || !isKnown ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(answer ?? { __type: 'UnknownOperationException' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return Object.assign(images, {
    endpoint: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}

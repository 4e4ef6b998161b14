import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { templatePath } from '../templates/templates.ts';
import { ACCOUNT, type AwsCalls, REGION } from './aws-calls.ts';

/** Values of template parameters. */
export type StackParameters = Readonly<Record<string, string>>;

/** A deployed resource. */
interface StackResource {
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId: string;
  readonly ResourceType: string;
}

/** A deployed stack. */
export class DeployedStack {
  readonly name: string;
  readonly #template: string;
  readonly #aws: AwsCalls;

  private constructor(aws: AwsCalls, name: string, template: string) {
    this.#aws = aws;
    this.name = name;
    this.#template = template;
  }

  /** Creates a stack. @param template - Path of its template. */
  static async create(
    aws: AwsCalls,
    name: string,
    parameters: StackParameters,
    template: string = templatePath('plain'),
  ): Promise<DeployedStack> {
    await aws.query('cloudformation', 'CreateStack', inputOf(name, parameters, template));
    return new DeployedStack(aws, name, template);
  }

  /**
   * Updates the stack. Parameters that are not given get their defaults.
   *
   * @param template - Path of the new template. @default the template that it was created with
   */
  async update(parameters: StackParameters, template: string = this.#template): Promise<void> {
    await this.#aws.query('cloudformation', 'UpdateStack', inputOf(this.name, parameters, template));
  }

  /** Deletes the stack with all its resources. */
  async delete(): Promise<void> {
    await this.#aws.query('cloudformation', 'DeleteStack', { StackName: this.name });
  }

  /** Returns the status in CloudFormation. */
  async status(): Promise<string> {
    return (await this.#describe()).StackStatus;
  }

  /** Returns the outputs by name. */
  async outputs(): Promise<Record<string, string>> {
    const { Outputs = [] } = await this.#describe();
    return Object.fromEntries(Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
  }

  /** Returns the resources by logical id. */
  async resources(): Promise<Map<string, StackResource>> {
    const { StackResources } = await this.#aws.query<{ StackResources: StackResource[] }>(
      'cloudformation',
      'DescribeStackResources',
      { StackName: this.name },
    );
    return new Map(StackResources.map((resource) => [resource.LogicalResourceId, resource]));
  }

  async #describe(): Promise<StackDescription> {
    const input = { StackName: this.name };
    const { Stacks } = await this.#aws.query<{ Stacks: StackDescription[] }>('cloudformation', 'DescribeStacks', input);
    const [stack] = Stacks;
    if (stack === undefined) throw new Error(`stack ${this.name} does not exist`);
    return stack;
  }
}

interface StackDescription {
  readonly StackStatus: string;
  readonly Outputs?: readonly { readonly OutputKey: string; readonly OutputValue: string }[];
}

function inputOf(StackName: string, parameters: StackParameters, template: string): Record<string, string> {
  const given = Object.entries(parameters).flatMap(([key, value], i) => [
    [`Parameters.member.${i + 1}.ParameterKey`, key],
    [`Parameters.member.${i + 1}.ParameterValue`, value],
  ]);
  return {
    StackName,
    TemplateBody: readFileSync(template, 'utf8'),
    'Capabilities.member.1': 'CAPABILITY_IAM',
    ...(Object.fromEntries(given) as Record<string, string>),
  };
}

/** Folder with the zips in the package of the construct. */
const ASSETS = join(dirname(createRequire(import.meta.url).resolve('@soci/construct/package.json')), 'assets');

/** Bucket of `cdk bootstrap`. */
const BUCKET = `cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`;

/**
 * Creates what `cdk bootstrap` creates, as far as the stacks need it, and uploads code for the functions of the templates, as
 * `cdk deploy` does.
 *
 * @param templates - Paths of the templates.
 */
export async function bootstrap(aws: AwsCalls, templates: readonly string[]): Promise<void> {
  const parameter = { Name: '/cdk-bootstrap/hnb659fds/version', Value: '28', Type: 'String' };
  await aws.json('ssm', 'AmazonSSM.PutParameter', parameter);
  await aws.putObject(BUCKET, '', new Uint8Array());
  const keys = templates.flatMap((path) => readFileSync(path, 'utf8').match(/\b[0-9a-f]{64}\.zip\b/g) ?? []);
  for (const key of new Set(keys)) await aws.putObject(BUCKET, key, readFileSync(join(ASSETS, 'generator.zip')));
}

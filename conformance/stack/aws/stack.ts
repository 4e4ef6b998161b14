import { readFileSync } from 'node:fs';
import { templatePath } from '../templates/templates.ts';
import type { AwsCalls } from './aws-calls.ts';

/** What the parameters of the plain template are given. */
export type StackParameters = Readonly<Record<string, string>>;

/** A resource that was deployed. */
export interface StackResource {
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId: string;
  readonly ResourceType: string;
}

/** A stack of the plain template. */
export class DeployedStack {
  readonly name: string;
  readonly #aws: AwsCalls;

  private constructor(aws: AwsCalls, name: string) {
    this.#aws = aws;
    this.name = name;
  }

  /** Makes one. */
  static async create(aws: AwsCalls, name: string, parameters: StackParameters): Promise<DeployedStack> {
    await aws.query('cloudformation', 'CreateStack', inputOf(name, parameters));
    return new DeployedStack(aws, name);
  }

  /** Gives it other parameters; those that are not named take their defaults. */
  async update(parameters: StackParameters): Promise<void> {
    await this.#aws.query('cloudformation', 'UpdateStack', inputOf(this.name, parameters));
  }

  /** Removes it, with all that it made. */
  async delete(): Promise<void> {
    await this.#aws.query('cloudformation', 'DeleteStack', { StackName: this.name });
  }

  /** What CloudFormation says of it. */
  async status(): Promise<string> {
    const { Stacks } = await this.#aws.query<{ Stacks: { StackStatus: string }[] }>(
      'cloudformation',
      'DescribeStacks',
      {
        StackName: this.name,
      },
    );
    return Stacks[0]?.StackStatus ?? 'none';
  }

  /** What it made, by logical id. */
  async resources(): Promise<Map<string, StackResource>> {
    const { StackResources } = await this.#aws.query<{ StackResources: StackResource[] }>(
      'cloudformation',
      'DescribeStackResources',
      { StackName: this.name },
    );
    return new Map(StackResources.map((resource) => [resource.LogicalResourceId, resource]));
  }
}

function inputOf(StackName: string, parameters: StackParameters): Record<string, string> {
  const given = Object.entries(parameters).flatMap(([key, value], i) => [
    [`Parameters.member.${i + 1}.ParameterKey`, key],
    [`Parameters.member.${i + 1}.ParameterValue`, value],
  ]);
  return {
    StackName,
    TemplateBody: readFileSync(templatePath('plain'), 'utf8'),
    'Capabilities.member.1': 'CAPABILITY_IAM',
    ...(Object.fromEntries(given) as Record<string, string>),
  };
}

import { CfnParameter, Duration, type Stack, Token } from 'aws-cdk-lib';
import { Architecture, type CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { onlyIf, type ParameterGroup, unlessEquals } from './parameter-group.ts';

/** Default and limits of the memory size, in MB. The limits are those of the construct. */
const MEMORY = { default: 1769, minValue: 256, maxValue: 10_240 };

/** Default and limits of the timeout, in seconds. The limits are those of the construct. */
const TIMEOUT = { default: 900, minValue: 30, maxValue: 1800 };

/** Creates the parameters for the size of the functions. */
export function functionParameters(stack: Stack): ParameterGroup {
  const memory = new CfnParameter(stack, 'MemorySize', {
    type: 'Number',
    ...MEMORY,
    constraintDescription: `Must be from ${MEMORY.minValue} to ${MEMORY.maxValue} MB.`,
    description:
      'Memory of the generator in MB. Lambda allocates one vCPU for each 1,769 MB. The generator builds one layer for each vCPU at the same time.',
  });
  const timeout = new CfnParameter(stack, 'Timeout', {
    type: 'Number',
    ...TIMEOUT,
    constraintDescription: `Must be from ${TIMEOUT.minValue} to ${TIMEOUT.maxValue} seconds.`,
    description:
      'Timeout of the generator in seconds. Lambda allows up to 1,800 seconds since November 2026. A Region that does not support this yet rejects more than 900.',
  });
  const architecture = new CfnParameter(stack, 'Architecture', {
    default: Architecture.X86_64.name,
    allowedValues: [Architecture.X86_64.name, Architecture.ARM_64.name],
    description:
      'Instruction set of the functions. arm64 has a lower price for each second (Graviton). Not tested on AWS.',
  });
  const concurrency = new CfnParameter(stack, 'ReservedConcurrency', {
    default: 'none',
    allowedPattern: '^(none|[1-9][0-9]{0,2}|1000)$',
    constraintDescription: 'Must be none, or from 1 to 1000.',
    description:
      "Maximum number of images that are indexed at the same time, reserved from the account's concurrency, or none.",
  });
  return {
    label: 'AWS Lambda settings',
    parameters: [
      [memory, 'Memory of the generator (MB)'],
      [timeout, 'Timeout of the generator (seconds)'],
      [architecture, 'Instruction set'],
      [concurrency, 'Reserved concurrency of the generator'],
    ],
    props: {
      memorySize: memory.valueAsNumber,
      timeout: Duration.seconds(timeout.valueAsNumber),
      architecture: Architecture.custom(architecture.valueAsString),
    },
    apply({ generatorFunction }) {
      const hasLimit = unlessEquals(stack, 'ReservesConcurrency', concurrency, 'none');
      const generator = generatorFunction.node.defaultChild as CfnFunction;
      generator.reservedConcurrentExecutions = Token.asNumber(onlyIf(hasLimit, concurrency.valueAsString));
    },
  };
}

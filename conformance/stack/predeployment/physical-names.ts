/** Names of resources if `ResourceNames` is `fixed`. */
const FIXED: Readonly<Record<string, string>> = {
  ECRImageActionEventBridgeRule: 'ECRImageActionEventBridgeRule',
  RepositoryNameParsingLambda: 'RepositoryNameParsingLambda',
};

/** Maximum length of the name of a function, a role and a rule. */
const MAX_LENGTH = 64;

/** Random suffix of a generated name. */
const RANDOM = '1A2B3C4D5E6F7';

/**
 * Returns the name of a resource. CloudFormation generates `STACK-LOGICALID-RANDOM` and truncates the logical id if the
 * name is too long. According to the guide, this happens with stack names of 12, 16, 19 and 22 characters or more. Much
 * longer stack names are said to be truncated too. Not tested on a live account.
 */
export function physicalName(id: string, stack: string, names: 'fixed' | 'generated'): string {
  const fixed = names === 'fixed' ? FIXED[id] : undefined;
  const room = MAX_LENGTH - stack.length - RANDOM.length - 2;
  return fixed ?? `${stack}-${id.slice(0, room)}-${RANDOM}`;
}

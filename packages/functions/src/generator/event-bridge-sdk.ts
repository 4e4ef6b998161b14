// What is used of the AWS SDK for EventBridge, so that the rest of it is left out of the bundles: of a module that is imported
// on demand, all exports are kept.
export { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';

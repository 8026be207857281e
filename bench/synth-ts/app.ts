// The resources of the reference application, written in TypeScript with the
// constructs that constructs/ uses: L1. The bench compares the number of resources
// of each type with ours and fails when they differ: extend the tables below, or
// the function that makes the kind of thing that has got a resource more.
//
// Nothing here reads anything of ours, but for the compiled functions, which
// FUNCTIONS names, and the context, which the CDK's command line would pass.
import * as path from 'path';
import { App, Aws, CfnOutput, CfnResource, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnApi, CfnIntegration, CfnRoute, CfnStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { CfnAlarm, CfnDashboard } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnGlobalTable } from 'aws-cdk-lib/aws-dynamodb';
import { CfnEventBus, CfnRule } from 'aws-cdk-lib/aws-events';
import { CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnEventSourceMapping, CfnFunction, CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup, CfnQueryDefinition } from 'aws-cdk-lib/aws-logs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { CfnTopic, CfnTopicPolicy } from 'aws-cdk-lib/aws-sns';
import { CfnQueue, CfnQueuePolicy } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

// ---- what the application consists of ----

interface TableSpec {
  name: string;
  hash: string;
  sort?: string;
  indexes?: { name: string; hash: string; sort?: string; projection: string }[];
  types?: Record<string, string>; // of key attributes that are no text
  ttl?: string;
  stream?: boolean;
  conditional?: boolean; // its items are never written in batches
}

const tables: TableSpec[] = [
  { name: 'dashboards', hash: 'model', sort: 'month' },
  { name: 'endpoints', hash: 'tenant_id', sort: 'kind' },
  { name: 'inventory', hash: 'tenant_id', sort: 'product_id', stream: true },
  { name: 'order_analytics', hash: 'tenant_id', sort: 'day' },
  { name: 'order_audit', hash: 'order_id', sort: 'version', types: { version: 'N' } },
  {
    name: 'order_summaries', hash: 'model', sort: 'order_id',
    indexes: [{ name: 'by_status', hash: 'model_status', sort: 'placed_at', projection: 'ALL' }],
  },
  { name: 'user_stats', hash: 'stat_key' },
  { name: 'users', hash: 'user_id', conditional: true },
];

const logTables: TableSpec[] = [
  {
    name: 'events', hash: 'stream', sort: 'version', types: { version: 'N' }, stream: true,
    indexes: [
      { name: 'by_correlation', hash: 'correlation_id', sort: 'time', projection: 'KEYS_ONLY' },
      { name: 'by_type', hash: 'bucket', sort: 'time', projection: 'KEYS_ONLY' },
    ],
  },
  {
    name: 'deliveries', hash: 'event_id', sort: 'subscription', ttl: 'expires_at',
    indexes: [{ name: 'by_subscription', hash: 'trouble', sort: 'event_id', projection: 'ALL' }],
  },
  { name: 'state', hash: 'key', ttl: 'expires_at', indexes: [{ name: 'by_due', hash: 'due_shard', sort: 'due', projection: 'ALL' }] },
];

interface SubscriptionSpec {
  context: string;
  name: string;
  types: (string | { prefix: string })[];
  timeout?: number;
  concurrency?: number;
  reads?: string[];
  writes?: string[];
  appends?: string[];
  commits?: boolean;
  ordered?: boolean;
  rebuildable?: boolean;
}

const facts = ['order.placed', 'order.captured', 'order.confirmed', 'order.fulfilled', 'order.cancelled'];

const subscriptions: SubscriptionSpec[] = [
  { context: 'orders', name: 'analyse_orders', types: ['order.placed'], timeout: 5, concurrency: 2, writes: ['order_analytics'] },
  { context: 'orders', name: 'audit_orders', types: [...facts, 'order.reserved', 'order.rejected'], timeout: 5, appends: ['order_audit'] },
  { context: 'orders', name: 'confirm_order', types: ['order.placed'], timeout: 15, reads: ['endpoints'] },
  { context: 'orders', name: 'notify_distributor', types: ['order.placed'], timeout: 15, reads: ['endpoints'] },
  { context: 'orders', name: 'order_process', types: ['order.rejected', 'order.due'], timeout: 5, commits: true },
  { context: 'orders', name: 'project_dashboard', types: facts, timeout: 5, concurrency: 2, writes: ['dashboards'], rebuildable: true },
  { context: 'orders', name: 'project_summary', types: facts, timeout: 5, writes: ['order_summaries'], ordered: true, rebuildable: true },
  { context: 'orders', name: 'release_stock', types: ['order.cancelled'], timeout: 5, concurrency: 2, writes: ['inventory'] },
  { context: 'orders', name: 'reserve_stock', types: ['order.placed'], timeout: 5, concurrency: 2, writes: ['inventory'], commits: true },
  { context: 'users', name: 'count_active', types: ['user.activated'], timeout: 5, writes: ['user_stats'] },
  { context: 'users', name: 'count_total', types: [{ prefix: 'user.' }], timeout: 5, writes: ['user_stats'] },
  { context: 'users', name: 'send_welcome', types: ['user.created'] },
];

const tableHandlers = [{ table: 'inventory', name: 'low_stock' }];

const api = {
  name: 'api',
  reads: ['dashboards', 'order_summaries', 'user_stats'],
  writes: ['endpoints', 'inventory', 'users'],
  open: ['GET /stats', 'GET /users/{user_id}', 'POST /users', 'POST /users/{user_id}/activate'],
  routes: [
    'GET /dashboard', 'GET /inventory/{product_id}', 'GET /orders', 'GET /orders/{order_id}', 'GET /stats', 'GET /users/{user_id}',
    'POST /orders', 'POST /orders/{order_id}/cancel', 'POST /orders/{order_id}/confirm', 'POST /orders/{order_id}/fulfil',
    'POST /orders/{order_id}/pay', 'POST /users', 'POST /users/{user_id}/activate', 'PUT /endpoints/{kind}', 'PUT /inventory/{product_id}',
  ],
};

// logged are the fields of the log of requests.
const logged = [
  'requestId', 'requestTime', 'httpMethod', 'routeKey', 'status', 'protocol', 'responseLength', 'responseLatency', 'integrationLatency', 'integration.status',
  'integration.error', 'error.message', 'authorizer.error', 'authorizer.principalId', 'authorizer.claims.sub', 'identity.userArn', 'identity.sourceIp', 'integration.requestId',
];

// ---- how it is made ----

const application = 'user-system';
const deployment = process.env.DEPLOYMENT ?? 'bench';
const functions = process.env.FUNCTIONS ?? '.vinci/build/arm64';
const named = (name: string) => `${application}-${deployment}-${name}`;
const here = '${AWS::Region}:${AWS::AccountId}';
const arn = (service: string, rest: string) => Fn.sub('arn:${AWS::Partition}:' + service + ':' + here + ':' + rest);
const tableARN = (name: string) => arn('dynamodb', 'table/' + named(name));
const topicARN = () => arn('sns', named('alarms'));

const app = new App({ outdir: process.env.CDK_OUTDIR, analyticsReporting: false, stackTraces: false });

function stack(name: string, what: string, after: Stack[]): Stack {
  const s = new Stack(app, named(name.replaceAll('_', '-')), {
    description: `${application}, deployment ${deployment}: ${what}`,
    tags: { 'vinci:application': application, 'vinci:deployment': deployment },
  });
  for (const other of after) s.addStackDependency(other);
  return s;
}

interface Statement {
  Sid: string;
  Action: string[];
  Resource: string[];
  Condition?: Record<string, Record<string, unknown>>;
}

const document = (statements: object[]) => ({ Version: '2012-10-17', Statement: statements });
const inTransaction = { StringEquals: { 'dynamodb:EnclosingOperation': 'TransactWriteItems' } };
const leadingKeys = (...keys: string[]) => ({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } });

const readActions = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const writeActions = [...readActions, 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem'];

function access(a: { reads?: string[]; writes?: string[]; appends?: string[]; commits?: boolean }): Statement[] {
  const all: Statement[] = [];
  const spec = (name: string) => tables.find((t) => t.name === name)!;
  const add = (Sid: string, Action: string[], names: string[] = []) => {
    if (names.length > 0) all.push({ Sid, Action, Resource: names.map(tableARN) });
  };
  add('ReadTables', readActions, a.reads);
  add('WriteTables', writeActions, a.writes);
  add('WriteBatches', ['dynamodb:BatchWriteItem'], a.writes?.filter((name) => !spec(name).conditional));
  add('AppendTables', ['dynamodb:PutItem'], a.appends);
  const indexes = [...(a.reads ?? []), ...(a.writes ?? [])].flatMap((name) => (spec(name).indexes ?? []).map((x) => tableARN(name) + '/index/' + x.name));
  if (indexes.length > 0) all.push({ Sid: 'QueryIndexes', Action: ['dynamodb:Query'], Resource: indexes });
  if (a.commits) {
    all.push(
      { Sid: 'CommitEvents', Action: ['dynamodb:PutItem'], Resource: [tableARN('events')], Condition: inTransaction },
      { Sid: 'ReadLog', Action: ['dynamodb:GetItem', 'dynamodb:Query'], Resource: [tableARN('events')] },
      { Sid: 'CommitState', Action: ['dynamodb:PutItem', 'dynamodb:DeleteItem'], Resource: [tableARN('state')], Condition: inTransaction },
      { Sid: 'ReadState', Action: ['dynamodb:GetItem'], Resource: [tableARN('state')] },
      { Sid: 'SaveSnapshots', Action: ['dynamodb:PutItem', 'dynamodb:DeleteItem'], Resource: [tableARN('state')], Condition: leadingKeys('snapshot/*') },
    );
  }
  return all;
}

const recordDeliveries = (): Statement => ({
  Sid: 'RecordDelivery', Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], Resource: [tableARN('deliveries')],
});

const readStream = (stream: string): Statement => ({
  Sid: 'ReadStream', Resource: [stream],
  Action: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
});

interface AlarmSpec {
  description: string;
  namespace: string;
  metric: string;
  dimensions: Record<string, string>;
  statistic: string;
  threshold: number;
  period: number;
  periods: number;
}

const alarmNames: string[] = [];

// alarmName names an alarm after its place.
function alarmName(scope: Construct, id: string): string {
  const name = `${application}-${deployment}/${scope.node.path.slice(named('').length)}/${id}`;
  alarmNames.push(name);
  return name;
}

// accept is a finding of cdk-nag that a resource has and keeps.
function accept(resource: CfnResource, id: string, reason: string, ...applies_to: string[]) {
  resource.addMetadata('cdk_nag', { rules_to_suppress: [{ id, reason, ...(applies_to.length > 0 ? { applies_to } : {}) }] });
}

function alarm(scope: Construct, id: string, a: AlarmSpec) {
  new CfnAlarm(scope, id, {
    alarmName: alarmName(scope, id),
    alarmDescription: a.description,
    namespace: a.namespace,
    metricName: a.metric,
    dimensions: Object.entries(a.dimensions).map(([name, value]) => ({ name, value })),
    statistic: a.statistic,
    period: a.period,
    evaluationPeriods: a.periods,
    threshold: a.threshold,
    comparisonOperator: 'GreaterThanOrEqualToThreshold',
    treatMissingData: 'notBreaching',
    alarmActions: [topicARN()],
  });
}

function depthAlarm(scope: Construct, id: string, queue: CfnQueue, description: string) {
  alarm(scope, id, {
    description, namespace: 'AWS/SQS', metric: 'ApproximateNumberOfMessagesVisible',
    dimensions: { QueueName: queue.attrQueueName }, statistic: 'Maximum', threshold: 1, period: 60, periods: 1,
  });
}

function functionAlarms(scope: Construct, f: Handler, what: string) {
  const dimensions = { FunctionName: f.resource.ref };
  alarm(scope, 'Errors', {
    description: `The function of ${what} fails: look at its log for level ERROR.`,
    namespace: 'AWS/Lambda', metric: 'Errors', dimensions, statistic: 'Sum', threshold: 1, period: 300, periods: 1,
  });
  alarm(scope, 'Throttles', {
    description: `The function of ${what} is throttled: compare its concurrency with the account's limit.`,
    namespace: 'AWS/Lambda', metric: 'Throttles', dimensions, statistic: 'Sum', threshold: 1, period: 60, periods: 5,
  });
}

class Table extends Construct {
  readonly resource: CfnGlobalTable;

  constructor(scope: Construct, id: string, spec: TableSpec) {
    super(scope, id);
    const keys = (hash: string, sort?: string) => [
      { attributeName: hash, keyType: 'HASH' },
      ...(sort ? [{ attributeName: sort, keyType: 'RANGE' }] : []),
    ];
    const indexes = spec.indexes ?? [];
    const attributes = new Set([spec.hash, spec.sort, ...indexes.flatMap((x) => [x.hash, x.sort])].filter((a): a is string => !!a));
    this.resource = new CfnGlobalTable(this, 'Resource', {
      tableName: named(spec.name),
      billingMode: 'PAY_PER_REQUEST',
      attributeDefinitions: [...attributes].sort().map((attributeName) => ({ attributeName, attributeType: spec.types?.[attributeName] ?? 'S' })),
      keySchema: keys(spec.hash, spec.sort),
      globalSecondaryIndexes: indexes.length === 0 ? undefined : indexes.map((x) => ({
        indexName: x.name, keySchema: keys(x.hash, x.sort), projection: { projectionType: x.projection },
      })),
      replicas: [{
        region: Aws.REGION,
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays: 35 },
        deletionProtectionEnabled: true,
      }],
      timeToLiveSpecification: spec.ttl ? { attributeName: spec.ttl, enabled: true } : undefined,
      streamSpecification: spec.stream ? { streamViewType: 'NEW_AND_OLD_IMAGES' } : undefined,
    });
    this.resource.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);

    const metrics: CfnAlarm.MetricDataQueryProperty[] = [];
    for (const index of ['', ...indexes.map((x) => x.name)]) {
      const dimensions = [{ name: 'TableName', value: named(spec.name) }, ...(index ? [{ name: 'GlobalSecondaryIndexName', value: index }] : [])];
      for (const metricName of ['ReadThrottleEvents', 'WriteThrottleEvents']) {
        metrics.push({
          id: `m${metrics.length}`, returnData: false,
          metricStat: { metric: { namespace: 'AWS/DynamoDB', metricName, dimensions }, stat: 'Sum', period: 60 },
        });
      }
    }
    new CfnAlarm(this, 'Throttles', {
      alarmName: alarmName(this, 'Throttles'),
      alarmDescription: [`table ${spec.name}`, ...indexes.map((x) => `index ${x.name}`)].join(', ') + ': requests are throttled for five minutes. '
        + 'See whether it is reads or writes and of which key. A hot key needs another partition key or several of them; otherwise raise the '
        + 'maximum of the table, or warm it up. Writes of a table are throttled by its indexes, too.',
      metrics: [...metrics, { id: 'throttled', expression: `SUM([${metrics.map((m) => m.id).join(', ')}])`, label: 'Throttled requests', returnData: true }],
      evaluationPeriods: 5,
      threshold: 1,
      comparisonOperator: 'GreaterThanOrEqualToThreshold',
      treatMissingData: 'notBreaching',
      alarmActions: [topicARN()],
    });
  }
}

const day = 24 * 60 * 60;

function queue(scope: Construct, id: string, name: string, retention: number, visibility?: number, deadLetter?: CfnQueue, receives = 10): CfnQueue {
  return new CfnQueue(scope, id, {
    queueName: named(name),
    messageRetentionPeriod: retention,
    sqsManagedSseEnabled: true,
    visibilityTimeout: visibility,
    redrivePolicy: deadLetter && { deadLetterTargetArn: deadLetter.attrArn, maxReceiveCount: receives },
  });
}

function queuePolicy(scope: Construct, id: string, q: CfnQueue, rule?: CfnRule) {
  const statements: object[] = [{
    Sid: 'TLSOnly', Effect: 'Deny', Principal: '*', Action: 'sqs:*', Resource: q.attrArn,
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  }];
  if (rule) {
    statements.push({
      Sid: 'Rule', Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: q.attrArn,
      Condition: { ArnEquals: { 'aws:SourceArn': rule.attrArn } },
    });
  }
  new CfnQueuePolicy(scope, id, { queues: [q.ref], policyDocument: document(statements) });
}

interface HandlerSpec {
  program: string;
  description: string;
  timeout?: number;
  environment?: Record<string, string>;
  statements: Statement[];
}

class Handler extends Construct {
  readonly resource: CfnFunction;

  constructor(scope: Construct, id: string, spec: HandlerSpec) {
    super(scope, id);
    const logs = new CfnLogGroup(this, 'Logs', { retentionInDays: 30 });
    logs.applyRemovalPolicy(RemovalPolicy.DESTROY);
    const statements: Statement[] = [
      { Sid: 'WriteLog', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: [logs.attrArn] }, ...spec.statements,
      { Sid: 'WriteTrace', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: ['*'] },
    ];
    const role = new CfnRole(this, 'Role', {
      assumeRolePolicyDocument: document([{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }]),
      policies: [{ policyName: 'function', policyDocument: document(statements.map((s) => ({ Effect: 'Allow', ...s }))) }],
    });
    accept(role, 'AwsSolutions-IAM5', 'X-Ray\'s actions know no resources.', 'Resource::*');
    const code = new Asset(this, 'Code', { path: path.join(functions, spec.program) });
    this.resource = new CfnFunction(this, 'Function', {
      description: spec.description,
      runtime: 'provided.al2023',
      handler: 'bootstrap',
      architectures: ['arm64'],
      code: { s3Bucket: code.s3BucketName, s3Key: code.s3ObjectKey },
      role: role.attrArn,
      timeout: spec.timeout ?? 30,
      memorySize: 256,
      environment: { variables: { ...spec.environment, VINCI_APP: application, VINCI_DEPLOYMENT: deployment } },
      loggingConfig: { logFormat: 'JSON', logGroup: logs.ref },
      tracingConfig: { mode: 'Active' },
    });
  }
}

class Subscription extends Construct {
  constructor(scope: Construct, spec: SubscriptionSpec) {
    super(scope, spec.name);
    const what = `subscription ${spec.name}`;
    const visibility = 6 * (spec.timeout ?? 30);
    const dead = queue(this, 'DeadLetterQueue', spec.name + '_dlq', 14 * day);
    queuePolicy(this, 'DeadLetterQueuePolicy', dead);
    const main = queue(this, 'Queue', spec.name, 4 * day, visibility, dead, spec.ordered ? 1000 : 10);
    const undelivered = queue(this, 'Undelivered', spec.name + '_undelivered', 14 * day);
    accept(undelivered, 'AwsSolutions-SQS3', 'It is a dead-letter queue: that of the rule\'s target.');
    const rule = new CfnRule(this, 'Rule', {
      description: `Subscription ${spec.name} of ${application}, deployment ${deployment}`,
      eventBusName: named('bus'),
      eventPattern: { source: [application], 'detail-type': spec.types },
      state: 'ENABLED',
      targets: [{
        id: 'queue', arn: main.attrArn, deadLetterConfig: { arn: undelivered.attrArn },
        retryPolicy: { maximumEventAgeInSeconds: day, maximumRetryAttempts: 185 },
      }],
    });
    queuePolicy(this, 'QueuePolicy', main, rule);
    queuePolicy(this, 'UndeliveredPolicy', undelivered, rule);

    const statements: Statement[] = [
      { Sid: 'Consume', Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'], Resource: [main.attrArn] },
      recordDeliveries(),
    ];
    if (spec.ordered) {
      statements.push(
        { Sid: 'ReadOrder', Action: ['dynamodb:Query'], Resource: [tableARN('events')] },
        {
          Sid: 'KeepCheckpoints', Action: ['dynamodb:GetItem', 'dynamodb:UpdateItem'], Resource: [tableARN('state')],
          Condition: leadingKeys(`checkpoint/${spec.name}/*`, `checkpoint/${spec.name}#*/*`),
        },
        { Sid: 'MoveCheckpoints', Action: ['dynamodb:UpdateItem'], Resource: [tableARN('state')], Condition: inTransaction },
      );
    }
    if (spec.rebuildable) {
      statements.push({ Sid: 'ReadGenerations', Action: ['dynamodb:GetItem'], Resource: [tableARN('state')], Condition: leadingKeys(`model/${spec.name}`) });
    }
    statements.push({ Sid: 'GiveUp', Action: ['sqs:SendMessage'], Resource: [dead.attrArn] });
    const f = new Handler(this, 'Handler', {
      program: spec.name,
      description: `Subscription ${spec.name}`,
      timeout: spec.timeout,
      environment: { VINCI_VISIBILITY_TIMEOUT: String(visibility), VINCI_DEAD_LETTER_QUEUE: named(spec.name + '_dlq') },
      statements: [...statements, ...access(spec)],
    });
    new CfnEventSourceMapping(this, 'Mapping', {
      functionName: f.resource.ref,
      eventSourceArn: main.attrArn,
      enabled: true,
      batchSize: 10,
      functionResponseTypes: ['ReportBatchItemFailures'],
      scalingConfig: spec.concurrency ? { maximumConcurrency: spec.concurrency } : undefined,
    });
    depthAlarm(this, 'DeadLetters', dead, `Events that ${what} gave up: find out why in the deliveries table, then redrive the queue.`);
    depthAlarm(this, 'UndeliveredEvents', undelivered, `Events that EventBridge could not put into the queue of ${what}: each message's attributes say why.`);
    alarm(this, 'Backlog', {
      description: `Events wait too long for ${what}: it is too slow, is throttled, or fails again and again.`,
      namespace: 'AWS/SQS', metric: 'ApproximateAgeOfOldestMessage', dimensions: { QueueName: main.attrQueueName },
      statistic: 'Maximum', threshold: Math.max(600, 3 * visibility), period: 60, periods: 5,
    });
    functionAlarms(this, f, what);
  }
}

// streamed makes the function that follows a table's stream, with its failure queue.
function streamed(scope: Construct, id: string, spec: { table: Table; queue: string; program: string; what: string; batch: number; retries: number; late: number; statements: Statement[] }) {
  const failed = queue(scope, 'FailureQueue', spec.queue, 14 * day);
  accept(failed, 'AwsSolutions-SQS3', 'It is a dead-letter queue: the failure destination of the stream\'s mapping.');
  queuePolicy(scope, 'FailureQueuePolicy', failed);
  const stream = spec.table.resource.attrStreamArn;
  const f = new Handler(scope, id, {
    program: spec.program,
    description: spec.what,
    environment: { VINCI_FAILURE_QUEUE: named(spec.queue) },
    statements: [readStream(stream), { Sid: 'GiveUp', Action: ['sqs:SendMessage'], Resource: [failed.attrArn] }, ...spec.statements],
  });
  new CfnEventSourceMapping(scope, 'Mapping', {
    functionName: f.resource.ref,
    eventSourceArn: stream,
    enabled: true,
    startingPosition: 'TRIM_HORIZON',
    batchSize: spec.batch,
    bisectBatchOnFunctionError: true,
    maximumRetryAttempts: spec.retries,
    maximumRecordAgeInSeconds: 22 * 60 * 60,
    functionResponseTypes: ['ReportBatchItemFailures'],
    destinationConfig: { onFailure: { destination: failed.attrArn } },
  });
  depthAlarm(scope, 'Failures', failed, `What ${spec.what} gave up: each message says which and why.`);
  alarm(scope, 'Lag', {
    description: `Changes wait too long for ${spec.what}: look at its function's log.`,
    namespace: 'AWS/Lambda', metric: 'IteratorAge', dimensions: { FunctionName: f.resource.ref },
    statistic: 'Maximum', threshold: spec.late, period: 60, periods: 3,
  });
  functionAlarms(scope, f, spec.what);
}

function makeTable(spec: TableSpec, after: Stack[]): Stack {
  const s = stack('table_' + spec.name, `table ${spec.name}`, after);
  const table = new Table(s, 'Table', spec);
  for (const h of tableHandlers.filter((h) => h.table === spec.name)) {
    streamed(new Construct(s, h.name), 'Handler', {
      table, queue: h.name + '_dlq', program: h.name, what: `table handler ${h.name}`, batch: 100, retries: 100, late: 300_000,
      statements: [recordDeliveries(), ...access({ commits: true })],
    });
  }
  return s;
}

function makeLog(after: Stack[]): Stack {
  const s = stack('log', 'the event log and its relay', after);
  const log = new Construct(s, 'Log');
  const made = new Map(logTables.map((t) => [t.name, new Table(log, t.name, t)]));
  streamed(log, 'Relay', {
    table: made.get('events')!, queue: 'relay_failed', program: 'vinci-relay', what: 'the relay', batch: 100, retries: 10000, late: 60_000,
    statements: [{ Sid: 'Publish', Action: ['events:PutEvents'], Resource: [arn('events', 'event-bus/' + named('bus'))] }],
  });
  const metrics = { Application: application, Deployment: deployment };
  alarm(log, 'Changed', {
    description: 'Items of the event log were changed or removed, which nothing may do: the relay\'s log says which.',
    namespace: 'Vinci', metric: 'EventsChanged', dimensions: metrics, statistic: 'Sum', threshold: 1, period: 60, periods: 1,
  });

  const timers = new Construct(log, 'Timers');
  const f = new Handler(timers, 'Handler', {
    program: 'vinci-timers',
    description: 'Commits the events of timers that are due',
    timeout: 55,
    statements: [
      { Sid: 'FindTimers', Action: ['dynamodb:Query'], Resource: [tableARN('state') + '/index/by_due'] },
      { Sid: 'RemoveTimers', Action: ['dynamodb:DeleteItem'], Resource: [tableARN('state')], Condition: inTransaction },
      { Sid: 'CommitEvents', Action: ['dynamodb:PutItem'], Resource: [tableARN('events')], Condition: inTransaction },
      { Sid: 'ReadLog', Action: ['dynamodb:Query'], Resource: [tableARN('events')] },
    ],
  });
  const rule = new CfnRule(timers, 'Rule', {
    description: `Timers of ${application}, deployment ${deployment}`,
    scheduleExpression: 'rate(1 minute)',
    state: 'ENABLED',
    targets: [{ id: 'timers', arn: f.resource.attrArn, retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 1 } }],
  });
  new CfnPermission(timers, 'Permission', {
    action: 'lambda:InvokeFunction', functionName: f.resource.ref, principal: 'events.amazonaws.com', sourceArn: rule.attrArn,
  });
  alarm(timers, 'Late', {
    description: 'Timers fire over five minutes late: look at the log of the timers function.',
    namespace: 'Vinci', metric: 'TimerLag', dimensions: metrics, statistic: 'Maximum', threshold: 300_000, period: 60, periods: 3,
  });
  alarm(timers, 'NotCalled', {
    description: 'EventBridge cannot call the timers function: look at its permission and at its throttles.',
    namespace: 'AWS/Events', metric: 'FailedInvocations', dimensions: { RuleName: rule.ref }, statistic: 'Sum', threshold: 1, period: 60, periods: 5,
  });
  functionAlarms(timers, f, 'the timers');
  return s;
}

function makeAlarmTopic(): Stack {
  const s = stack('alarms', 'the alarm topic', []);
  const topic = new CfnTopic(s, 'Topic', { topicName: named('alarms'), displayName: `Alarms of ${application}, deployment ${deployment}` });
  new CfnTopicPolicy(s, 'Policy', {
    topics: [topic.ref],
    policyDocument: document([
      {
        Sid: 'Alarms', Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'sns:Publish', Resource: topic.ref,
        Condition: { StringEquals: { 'aws:SourceAccount': Fn.sub('${AWS::AccountId}') }, ArnLike: { 'aws:SourceArn': arn('cloudwatch', 'alarm:*') } },
      },
      { Sid: 'TLSOnly', Effect: 'Deny', Principal: '*', Action: 'sns:Publish', Resource: topic.ref, Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    ]),
  });
  return s;
}

function makeBus(after: Stack[]): Stack {
  const s = stack('bus', 'the event bus', after);
  new CfnEventBus(s, 'Bus', { name: named('bus'), description: `Events of ${application}, deployment ${deployment}` });
  return s;
}

function makeAPI(after: Stack[]): Stack {
  const s = stack('api', `API ${api.name}`, after);
  const scope = new Construct(s, 'API');
  const f = new Handler(scope, 'Handler', {
    program: api.name, description: `API ${api.name}`, timeout: 10, statements: access({ ...api, commits: true }),
  });
  const resource = new CfnApi(scope, 'Resource', {
    name: named(api.name), protocolType: 'HTTP', description: `API ${api.name} of ${application}, deployment ${deployment}`,
  });
  const integration = new CfnIntegration(scope, 'Integration', {
    apiId: resource.ref, integrationType: 'AWS_PROXY', integrationUri: f.resource.attrArn, payloadFormatVersion: '2.0',
  });
  for (const route of api.routes) {
    const made = new CfnRoute(scope, route.replace(' /', ':').replaceAll('/', ':'), {
      apiId: resource.ref, routeKey: route, target: `integrations/${integration.ref}`, authorizationType: api.open.includes(route) ? 'NONE' : 'AWS_IAM',
    });
    if (api.open.includes(route)) accept(made, 'AwsSolutions-APIG4', 'Its declaration makes it public.');
  }
  const requests = new CfnLogGroup(scope, 'AccessLog', { logGroupName: `/aws/vendedlogs/api/${named(api.name)}`, retentionInDays: 30 });
  requests.applyRemovalPolicy(RemovalPolicy.DESTROY);
  new CfnStage(scope, 'Stage', {
    apiId: resource.ref, stageName: '$default', autoDeploy: true,
    accessLogSettings: { destinationArn: requests.attrArn, format: JSON.stringify(Object.fromEntries(logged.map((v) => [v.split('.').at(-1)!, '$context.' + v]))) },
    defaultRouteSettings: { throttlingRateLimit: 1000, throttlingBurstLimit: 500, detailedMetricsEnabled: true },
  });
  new CfnPermission(scope, 'Permission', {
    action: 'lambda:InvokeFunction', functionName: f.resource.ref, principal: 'apigateway.amazonaws.com',
    sourceArn: Fn.sub('arn:${AWS::Partition}:execute-api:' + here + ':${Api}/*/*', { Api: resource.ref }),
  });
  functionAlarms(scope, f, `API ${api.name}`);
  alarm(scope, 'ServerErrors', {
    description: `API ${api.name} answers with 5xx: look at its function's log.`,
    namespace: 'AWS/ApiGateway', metric: '5xx', dimensions: { ApiId: resource.ref }, statistic: 'Sum', threshold: 1, period: 300, periods: 1,
  });
  new CfnDashboard(scope, 'Dashboard', {
    dashboardName: Fn.sub(named(api.name) + '-${AWS::Region}'),
    dashboardBody: Fn.sub(body(
      graph('Requests and errors', ['Count', '4xx', '5xx'].map((m) => ['AWS/ApiGateway', m, 'ApiId', '${Api}'])),
      graph('Latency', ['p50', 'p99'].map((stat) => ['AWS/ApiGateway', 'Latency', 'ApiId', '${Api}', { stat }])),
    ), { Api: resource.ref }),
  });
  new CfnOutput(scope, 'URL', { value: resource.attrApiEndpoint, description: `Address of API ${api.name}` });
  return s;
}

type Metric = (string | object)[];

const graph = (title: string, metrics: Metric[]) => ({
  type: 'metric', width: 8, height: 6,
  properties: { title, metrics, region: '${AWS::Region}', view: 'timeSeries', stat: 'Sum', period: 60, yAxis: { left: { min: 0 } } },
});

const body = (...widgets: object[]) => JSON.stringify({ start: '-PT3H', widgets });

// makeDashboard shows the same things as ours, with about as many bytes.
function makeDashboard(after: Stack[]): Stack {
  const s = stack('dashboard', 'the dashboards', after);
  const metrics = ['Application', application, 'Deployment', deployment];
  const types = [...facts, 'order.reserved', 'order.rejected', 'order.due', 'user.created', 'user.activated'];
  const widgets = [
    { type: 'alarm', width: 24, height: 4, properties: { title: 'Alarms', alarms: alarmNames.map((n) => '${AWS::Partition}:cloudwatch:' + here + ':alarm:' + n) } },
    graph('Published events by type', types.map((t) => ['Vinci', 'Published', ...metrics, 'EventType', t])),
    graph('Lag of the log', ['PublishLag', 'TimerLag'].map((m) => ['Vinci', m, ...metrics, { stat: 'Maximum' }])),
    ...subscriptions.flatMap(({ name }) => [
      graph(`${name}: backlog`, [
        ['AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'QueueName', named(name)], ['AWS/SQS', 'ApproximateAgeOfOldestMessage', 'QueueName', named(name), { yAxis: 'right' }],
      ]),
      graph(`${name}: failures`, [
        ['Vinci', 'Failed', ...metrics, 'Subscription', name], ['Vinci', 'Dead', ...metrics, 'Subscription', name],
        ['AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'QueueName', named(name + '_dlq')],
        ['AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'QueueName', named(name + '_undelivered')],
      ]),
      graph(`${name}: time`, ['Duration', 'Age'].flatMap((m) => ['p50', 'p99'].map((stat) => ['Vinci', m, ...metrics, 'Subscription', name, { stat }]))),
    ]),
    ...[...tables, ...logTables].map((t) => graph(`Table ${t.name}`, ['Read', 'Write'].flatMap((m) => [
      ['AWS/DynamoDB', `Consumed${m}CapacityUnits`, 'TableName', named(t.name)], ['AWS/DynamoDB', `${m}ThrottleEvents`, 'TableName', named(t.name)],
    ]))),
  ];
  new CfnDashboard(s, 'Dashboard', { dashboardName: Fn.sub(named(deployment) + '-${AWS::Region}'), dashboardBody: Fn.sub(body(...widgets)) });
  for (const [id, name, filter] of [['Event', 'one event', 'event_id = "EVENT"'], ['Request', 'one request', 'correlation_id = "REQUEST"'], ['Errors', 'errors by subscription', 'level = "ERROR"']]) {
    new CfnQueryDefinition(s, 'Query' + id, {
      name: `${application}-${deployment}/${name}`,
      queryString: `fields @timestamp, level, msg, subscription, event_id, correlation_id\n| filter ${filter}\n| sort @timestamp\n| limit 1000`,
    });
  }
  return s;
}

// What is made first is deployed first.
const alarms = makeAlarmTopic();
const followed = (t: TableSpec) => tableHandlers.some((h) => h.table === t.name);
const plain = tables.filter((t) => !followed(t)).map((t) => makeTable(t, [alarms]));
const bus = makeBus([alarms]);
const log = makeLog([alarms, bus]);
const others = tables.filter(followed).map((t) => makeTable(t, [alarms, log]));
const before = [alarms, ...plain, bus, log, ...others];
const contexts = [...new Set(subscriptions.map((s) => s.context))].map((context) => {
  const s = stack('subscriptions_' + context, 'subscriptions', before);
  for (const spec of subscriptions) if (spec.context === context) new Subscription(s, spec);
  return s;
});
makeDashboard([...before, ...contexts, makeAPI([...before, ...contexts])]);
app.synth();

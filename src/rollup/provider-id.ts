/**
 * The spellings of a provider's name → its id in genai-prices. Keys are in lower case and without separators; a key
 * stands for the whole name (`x_ai` → `xai`) or for its first word (`azure.ai.openai`, `google-vertex` …).
 *
 * The package has patterns of its own, which this list goes before: they take `azure.ai.openai` for OpenAI and know
 * neither `x_ai` nor `gcp.gen_ai`.
 */
const idsByName: Readonly<Record<string, string>> = {
  amazon: 'aws',
  anthropic: 'anthropic',
  aws: 'aws',
  az: 'azure',
  azure: 'azure',
  azureopenai: 'azure',
  bedrock: 'aws',
  cerebras: 'cerebras',
  claude: 'anthropic',
  cohere: 'cohere',
  deepseek: 'deepseek',
  fireworks: 'fireworks',
  fireworksai: 'fireworks',
  gcp: 'google',
  gemini: 'google',
  google: 'google',
  googleai: 'google',
  googlegenai: 'google',
  googlevertex: 'google',
  googlevertexai: 'google',
  groq: 'groq',
  minimax: 'minimax',
  mistral: 'mistral',
  mistralai: 'mistral',
  moonshot: 'moonshotai',
  moonshotai: 'moonshotai',
  openai: 'openai',
  // A client that speaks OpenAI's protocol to anybody, and the package's name for anybody.
  openaicompatible: 'litellm',
  openrouter: 'openrouter',
  perplexity: 'perplexity',
  perplexityai: 'perplexity',
  together: 'together',
  togetherai: 'together',
  vertex: 'google',
  vertexai: 'google',
  voyage: 'voyageai',
  voyageai: 'voyageai',
  xai: 'x-ai',
  zai: 'zai',
  zhipu: 'zhipuai',
  zhipuai: 'zhipuai',
}

/**
 * Hosts that genai-prices does not list. They charge by lists of their own, or nothing at all, so a price that some
 * other host lists for the model would be a wrong one: `deepseek-r1:8b` on a laptop is not DeepSeek's.
 */
const unlistedHosts: ReadonlySet<string> = new Set([
  'databricks',
  'deepinfra',
  'hyperbolic',
  'ibm',
  'llamacpp',
  'llamafile',
  'lmstudio',
  'nebius',
  'nvidia',
  'ollama',
  'replicate',
  'sambanova',
  'sglang',
  'snowflake',
  'vllm',
  'watsonx',
])

/** What the AI SDK adds to a provider's name, also to the names that applications choose. */
const aiSdkSuffix = /\.(?:chat|completion|embedding|messages|responses)$/

/**
 * One spelling for every provider: the id in genai-prices where it is known, else the name in lower case without what
 * the AI SDK adds. Understands OpenTelemetry's names, old and new, the AI SDK's, OpenInference's and plain ones.
 */
export function providerIdOf(name: string): string {
  const plain = name.trim().toLowerCase().replace(aiSdkSuffix, '')
  return idsByName[squeezed(plain)] ?? idsByName[firstWord(plain)] ?? plain
}

/** Whether the provider is known to charge by a list that genai-prices does not have. */
export function isUnlistedHost(name: string): boolean {
  const plain = name.trim().toLowerCase().replace(aiSdkSuffix, '')
  return unlistedHosts.has(squeezed(plain)) || unlistedHosts.has(firstWord(plain))
}

function squeezed(name: string): string {
  return name.replaceAll(/[\s._/:-]/g, '')
}

function firstWord(name: string): string {
  return name.split(/[\s._/:-]/, 1)[0] ?? ''
}

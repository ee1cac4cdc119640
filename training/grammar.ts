/**
 * Requests put together from frames and things: the frame tells whose work it is, the thing could be anybody's. So the classifier learns
 * frames, and that a word like `parser` or `login` says nothing. They train it beside the requests that were written one by one, and are
 * never part of what it is measured on.
 */
import { mulberry } from "./softmax.ts";

/** `{x}` is a thing, `{f}` a file or a name from code, `{e}` an error, `{v}` a version, `{n}` a number, `{t}` a technology. */
const THINGS =
  "the login page|the search|the parser|the scheduler|the payment service|the export|the csv import|the user table|the settings dialog|the http client|the cache|the build|the release script|the upload|the websocket connection|the api client|the router|the sidebar|the calendar|the worker pool|the queue|the config loader|the database layer|the test suite|the cli|the plugin system|the notification service|the audit log|the checkout|the cart|the renderer|the compiler|the tokenizer|the scraper|the mobile app|the installer|the docker image|the ci pipeline|the session handling|the password reset|the rate limiter|the report generator|the dashboard|the chat|the editor|the map view|the video player|the sync|the backup job|the migration|the feature flags|the permissions|the webhook handler|the email sender|the translations|the logger|the retry logic|the date picker|the state machine|the graph view|the model training|the data loader|the dataframe|the sensor driver|the game loop|the physics engine|the shader|the ledger|the invoice pdf|the admin panel|the onboarding|the file watcher|the diff view|the autocomplete|the memory store|the thread pool|the event bus|the graphql schema|the rest api|the terraform module|the helm chart|the login form|the image resizer|the pagination|the sorting|the type checker|the linter|the vector index|the embeddings|the prompt builder|the agent loop".split(
    "|",
  );
const FILES =
  "src/parser.ts|utils.py|main.go|app/models/user.rb|lib.rs|index.js|server.c|OrderService.java|`getUser`|`parseConfig`|`retry()`|auth/session.ts|the User class|models.py|handlers.go|App.tsx|`Scheduler.run`|config.yaml|core/engine.cpp|`Client`|billing/invoice.py|routes.ts|tests/test_api.py|store.js|this file|this function|this class|this module|the code below".split(
    "|",
  );
const ERRORS =
  "TypeError: x is not a function|ValueError: invalid literal|a segfault|a NullPointerException|a 500 error|error 404|a timeout|KeyError: 'id'|an infinite loop|a deadlock|out of memory|connection refused|permission denied|undefined|an empty result|a blank page|a wrong total|a stack overflow|exit code 1|a race condition|a crash|a memory leak|broken encoding|duplicate rows|stale data".split(
    "|",
  );
const TECHNOLOGIES =
  "Postgres|Redis|Kafka|GraphQL|React|Vue|TypeScript|Rust|Go|Docker|Kubernetes|MySQL|MongoDB|gRPC|SQLite|OAuth|Python 3.12|Node 22|Tailwind|Terraform|S3|WebAssembly|RabbitMQ|Django|FastAPI|Spring Boot|Next.js|Svelte|pandas|numpy|PyTorch|Elasticsearch".split(
    "|",
  );

const FRAMES: Readonly<Record<string, string>> = {
  coder:
    "add {t} support to {x}|add an option to {x}|implement {x}|implement {t} for {x}|given {f}, return {n}|given a list of numbers, return {n}|write a python function that takes a list and returns {n}|python function to compute {n}|def f(x): finish this|make the result a list|i want the output as a string|now make it work for negative numbers|use a dictionary instead|rewrite it without loops|how about adding {t}?|could {x} also write {t}?|would it be possible to add {t} to {x}?|cache the results of {f} for {n} minutes|inline {f}|return {n} instead of {n} when {x} is empty|let {x} skip empty rows|bump {t}|add {t} to {x}|add rate limiting to {x}|add hooks for {x}|turn this into {t}|can i get a version without {t}?|translate this code to {t}|refactor {f}|refactor {x} to use {t}|rename {f}|rename it everywhere in {x}|write unit tests for {f}|write tests for {x}|port {f} to {t}|convert {f} to {t}|migrate {x} to {t}|upgrade {t} in {x}|bump {t} to {v}|make {x} faster by caching|make {x} configurable|make {x} responsive|create a new endpoint for {x}|create {x}|build {x} with {t}|extract {x} into its own module|move {f} into a package|remove {x}|remove the unused code in {f}|replace {t} in {x}|replace it with {t}|support {t} in {x}|allow users to configure {x}|let users change {x}|expose {x} as an option|simplify {f}|split {f} into smaller functions|change the default of {x} to {n}|set the timeout of {x} to {n}|add logging to {x}|add validation to {x}|add error handling to {f}|add types to {f}|finish {f}|complete the implementation of {f}|write a function that returns {x}|write a {t} script that updates {x}|write a class for {x}|generate code for {x}|code for {x}|a {t} function for {x}|feature request: {x}|[feature] {x} with {t}|feat: {t} for {x}|enhancement: {x}|would be nice to have {t} in {x}|it would be great if {x} could use {t}|i would like {x} to support {t}|please add {t} to {x}|please support {t}|can you add {t} to {x}?|could you implement {x}?|can we have {t} for {x}?|any chance to get {t} in {x}?|why not add {t} to {x}?|wish: {x} with {t}|i need {x} to work with {t}|now do the same for {x}|use {t} instead|make it return {n} instead|hook {x} up to {f}|integrate {t} into {x}|disable {x} by default|enable {t} in {x}|optimise {f} with {t}|turn {f} into a generic helper|deduplicate {f}|apply the change to {x}|scaffold {x}|automate {x} with {t}|proposal to add a flag for {x}|[enhancement]: allow {n} items in {x}|allow passing {f} to {x}",
  debugger:
    "{x} fails with {e}|{e} in {f}|{x} crashes|{x} crashes with {e}|{x} is broken|{x} does not work|{x} doesn't work since {v}|{x} no longer works after the update to {v}|{x} stopped working|{x} hangs|{x} is slow since {v}|{x} freezes|why does {x} fail?|why do i get {e}?|why is {x} so slow?|where does this {e} come from?|what causes {e}?|what is the reason for {e}?|when i do that it says {e}|it prints nothing, what is wrong?|why is the list always empty?|the output is wrong|{x} is off by one|unit tests of {x} time out|{x} hangs forever with large files|{x} returns no results for umlauts|it should be true for {n} but gives false|why does the second request return the first user?|i do not understand why {f} exits|this code gives {e}|numbers come out wrong in {x}|deleting a user leaves {e}|why is {x} empty?|why does {f} return {e}?|what is wrong with {f}?|what causes {e} in {x}?|fix {e} in {x}|fix the bug in {x}|fix {x}|fix the failing test of {x}|fix the crash in {f}|debug {x}|find out why {x} fails|find the cause of {e}|investigate {e} in {x}|troubleshoot {x}|diagnose {e}|bug: {x} shows {e}|[bug] {x} {e}|[bug]: {e} when using {x}|bug in {x}|regression in {x} since {v}|{x} shows {e}|{x} returns {e}|{x} returns the wrong value|{x} throws {e}|i get {e} when i open {x}|i am getting {e} from {f}|getting {e} after upgrading to {v}|{e} when running {x}|{e} on {t}|unable to use {x}: {e}|cannot start {x}|can't use {x} with {t}, {e}|{x} behaves differently in {v}|unexpected behaviour of {x}|incorrect result in {x}|{x} is flaky|test for {x} fails on ci|tests of {f} time out|memory leak in {x}|{x} loses data|{x} ignores the setting|{x} not updating|{x} not working with {t}|the build fails with {e}|installation fails: {e}|still {e}|how do i fix {e}?|how can i get rid of {e} in {x}?|any idea why {x} gives {e}?|{x} runs twice|wrong output for {n}|error: {e}|uncaught exception in {x}|it says {e}|{x} is not displayed|{x} disappears|{x} gets stuck at {n}%|{f} raises {e} for {n}",
  architect:
    "design {x}|design an architecture for {x}|propose a design for {x}|how should we structure {x}?|how should we design {x}?|how would you architect {x} with {t}?|what is the best architecture for {x}?|should we use {t} or {t} for {x}?|should {x} be its own service?|should we split {x}?|is {t} worth it for us?|what is the cleanest way to share types between {x} and {x}?|i want to build {x} for {n} users, which components do i need?|weigh {t} against {t}|which database fits {x} better, {t} or {t}?|what would be the best way to add caching to {x}?|is it better to keep {x} in one module?|compare {t} and {t} for {x}|pros and cons of {t} for {x}|trade-offs between {t} and {t}|plan the migration of {x} to {t}|plan how to move {x} to {t} step by step|migration plan for {x}|rfc: {x}|[rfc] new model for {x}|proposal: rethink {x}|proposal: {t} based {x}|adr: {t} for {x}|adr: choose {t} or {t}|evaluate {t} for {x}|evaluate options for {x}|decide between {t} and {t}|decide how {x} should work|outline a roadmap for {x}|strategy for scaling {x}|scaling strategy for {x} to {n} users|data model for {x}|model {x} in the database|schema design for {x}|define the boundaries between {x} and {x}|where should the logic of {x} live?|what layers should {x} have?|which pattern suits {x}?|which database should we use for {x}?|break {x} down into steps|break down the work on {x} before we start|lay out the components of {x}|sketch the modules of {x}|high level design of {x}|technical concept for {x}|spike: {t} for {x}|think about how {x} could scale|what would have to change to support {t} across {x}?|recommend an approach for {x}|long term direction of {x}|discussion: future of {x}|epic: restructure {x}|how do we make {x} extensible?|how can {x} and {x} be decoupled?|how should errors in {x} be handled across services?|is {t} the right choice for {x}?|would {t} make sense for {x}?|design document for {x}: goals and non-goals|think through {x} before coding|api design for {x}|what are the alternatives to {t} for {x}, and which should we take?|work out a concept for {x}",
  researcher:
    "where is {x} implemented?|where is {f} defined?|where does {x} store its data?|where do i find {x}?|how does {x} work?|how does {f} work?|how is {x} configured?|how do i use {x}?|how do i use {t} with {x}?|how to use {f}|how to configure {x}|how to run {x}|how can i access {x}?|how to get {x} in {t}|what does {f} do?|what does {x} do?|what is {t}?|what is {f}?|in this code, what is the role of {f}?|how to get the first element of a list|how do you sort a list in python|how would i check for a leap year in {t}|how to split a string in {t}|what can i use instead of {f}?|what does this return?|check whether we use {t} anywhere|list the endpoints of {x}|locate the code of {x}|find out which packages depend on {t}|search for anything related to {x}|who wrote {x}?|is the order of events guaranteed?|trace the path of a request through {x}|why do you use {f} here?|do you see a pattern in these numbers?|describe the data flow of {x}|what is the purpose of {f}?|what is the difference between {t} and {t}?|what happens when {x} gets {e}?|what is the default of {x}?|which file contains {x}?|which function calls {f}?|which version of {t} is supported?|who calls {f}?|when is {f} called?|does {x} support {t}?|does {x} work with {t}?|is {t} supported?|is {x} available for {t}?|is it possible to use {t} with {x}?|is there a way to use {x} without {t}?|can {x} be used with {t}?|can i use {t} in {x}?|explain {f}|explain how {x} works|explain {t} to me|describe how {x} works|summarize {f}|summarize how {x} works|give me an overview of {x}|walk me through {x}|tell me about {x}|show me where {x} is|show me how to use {f}|find where {x} is used|find all uses of {f}|find the code of {x}|list all callers of {f}|list the parts of {x}|search for {f}|look up how {t} handles {x}|trace how data flows through {x}|understand {x}|question: {x}|question about {x}|[question] how to use {x} with {t}|[question] is {t} supported?|help needed: how to set up {x}|usage question about {x}|i don't understand how {x} works|i am trying to understand {f}|i wonder how {x} decides|what are the options of {x}?|what parameters does {f} take?|what is the meaning of {n} in {f}?|has anyone used {x} with {t}?|in which order does {x} run?|how many calls does {x} make?|syntax of {t}|examples of {f}|why does {x} use {t} instead of {t}?",
  reviewer:
    "review {f}|review {x}|review my changes to {x}|review the pull request for {x}|review this pr: {x} with {t}|please review {x}|please review my change of {f}|code review for {x}|code review of {f}|check my code in {f}|check my implementation of {x}|check the diff of {x}|check {x} for security problems|check {f} for vulnerabilities|check {x} for race conditions|audit {x}|security audit of {x}|audit {f} for injection|look over {f}|look over my changes in {x}|have a look at my branch for {x}|give feedback on {f}|give me feedback on my {x}|feedback wanted on {x}|any problems with {f}?|any issues with my change to {x}?|is {f} correct?|is my {x} implementation correct?|is this {t} code idiomatic?|is {x} safe?|is this ok?|can you check whether my function handles all cases|are these tests good enough?|here is my solution, please check it|what do you think of this code?|is {f} thread safe?|does this change to {x} look right?|does {f} follow best practices?|does my patch for {x} break anything?|can this change to {x} be merged?|what could go wrong with this change to {x}?|what do you think of my {x}?|what do you think about this code in {f}?|would you approve this change of {x}?|did i miss anything in {f}?|spot mistakes in {f}|critique {f}|critique my {x}|verify that my refactoring of {x} is correct|find vulnerabilities in {x}|find code smells in {f}|find weaknesses in the tests of {x}|inspect the last commits on {x} for risky parts|assess the quality of {f}|rate {f}|second opinion on my {x}|are the tests of {x} sufficient?|are there edge cases that i missed in {f}?|performance review of {x}|accessibility review of {x}|lgtm? {x}|request for review: {x}|pr: {t} in {x}, please have a look|merge request {n}: {x}, review needed|look for bugs in my diff of {x} before i merge|check whether {f} leaks secrets|review the naming in {f}",
  writer:
    "write the documentation for {x}|write docs for {f}|write a readme for {x}|update the readme of {x}|update the docs of {x} for {v}|document {x}|document {f}|document how to use {x} with {t}|document the options of {x}|add docstrings to {f}|add comments to {f}|add jsdoc to {f}|add a docs page about {x}|add examples to the docs of {x}|add usage examples for {f} to the readme|write a tutorial for {x}|write a guide on {x} with {t}|write a how-to for {x}|write a migration guide to {v}|write release notes for {v}|write the changelog for {v}|changelog entry for {x}|fix the typo in the docs of {x}|fix typos in the readme|typo in {x} documentation|typo in readme|docs: {x}|docs: document {t} setup|[docs] {x} is not documented|[docs] unclear description of {x}|documentation of {x} is missing|documentation of {x} is outdated|documentation of {x} is wrong|the docs say {n} but the default of {x} is another|the readme does not mention {x}|missing docs for {f}|broken link in the docs of {x}|improve the documentation of {x}|improve the wording in the guide about {x}|clarify in the docs how {x} works|translate the docs of {x}|proofread the guide about {x}|rewrite the section about {x} in the manual|shorten the readme|reword the help text of {x}|describe {x} in the user manual|explain {x} in the readme|write a blog post about {x}|write a commit message for {x}|write a pr description for {x}|write an faq about {x}|write a man page for {x}|create a contributing guide|create api docs for {x}|create a wiki page about {x}|generate documentation for {f}|comment {f}|spelling mistakes in the translation of {x}|could somebody write down how {x} works for new people?|could you document the methods of {f}?|can you add comments that explain {f}?|make a markdown table of the options of {x}|rewrite this paragraph so that it is easier to read|add a code of conduct|write inline comments for {f}|put the setup of {x} into the docs|add a troubleshooting section for {e}|mention {t} in the docs|the docs should mention {t}|could someone document {x}?|can we get documentation for {x}?|getting started page for {x}|write onboarding notes for {x}|summarise {v} for the changelog|describe {f} for the api reference|update screenshots in the docs",
};

/** The same in other languages, each with its own things: `lang|thing|thing`, then a line for each worker. */
const OTHER_LANGUAGES: readonly string[] = [
  "die Anmeldung|die Suche|den Export|die Tabelle|das Formular|den Parser|die Datenbank|die Warteschlange|das Modul|die Konfiguration",
  "coder:füge {x} hinzu|baue {x} ein|schreibe Tests für {x}|stelle {x} auf {t} um|benenne {x} um|implementiere {x}|ersetze {x} durch {t}|bitte {x} um eine Option erweitern|Es wäre schön, wenn {x} auch {t} könnte|mach {x} schneller|lösche {x}|schreibe eine Funktion für {x}",
  "debugger:{x} funktioniert nicht mehr|Fehler in {x}|{x} stürzt ab|warum schlägt {x} fehl?|warum ist {x} so langsam?|behebe den Fehler in {x}|seit dem Update geht {x} nicht|finde heraus, warum {x} hängt|Fehlermeldung beim Öffnen: {e}|warum ist {x} leer?",
  "architect:wie sollten wir {x} aufbauen?|entwirf {x}|entwirf eine Architektur für {x}|Vor- und Nachteile von {t}|plane den Umstieg auf {t}|sollten wir {x} aufteilen?|{t} oder {t} für {x}?|welcher Ansatz passt für {x} besser?",
  "researcher:wo ist {x}?|wo wird {x} behandelt?|wie funktioniert {x}?|was macht {x}?|erkläre mir {x}|welche Datei enthält {x}?|unterstützt {x} {t}?|was ist der Unterschied zwischen {t} und {t}?|wie benutze ich {x}?|gibt es {x}?",
  "reviewer:prüfe {x}|prüfe meine Änderungen an {x}|bitte Review für {x}|schau dir {x} an|ist {x} sicher?|siehst du Probleme in {x}?|gib mir Feedback zu {x}|habe ich in {x} etwas übersehen?",
  "writer:dokumentiere {x}|schreibe eine Anleitung für {x}|Tippfehler in der Dokumentation|ergänze Kommentare in {x}|aktualisiere die README|übersetze die Dokumentation|die Anleitung zu {x} ist veraltet|schreibe die Versionshinweise",
  "la connexion|la recherche|l'export|le tableau|le formulaire|le module|la base de données|la file d'attente|le cache|la configuration",
  "coder:ajoute {x}|ajoute {t} à {x}|implémente {x}|réécris {x} en {t}|écris des tests pour {x}|remplace {x} par {t}|crée {x}|il serait utile que {x} gère {t}|serait-il possible d'ajouter {t} ?|renomme {x}|supprime {x}",
  "debugger:{x} ne marche plus|erreur dans {x}|{x} plante|pourquoi {x} est si lent ?|corrige l'erreur dans {x}|depuis la mise à jour {x} échoue|pourquoi {x} est vide ?|trouve pourquoi {x} échoue|j'ai une erreur : {e}",
  "architect:comment structurer {x} ?|propose une architecture pour {x}|quels sont les avantages et inconvénients de {t} ?|planifie la migration vers {t}|faut-il séparer {x} ?|{t} ou {t} pour {x} ?|conçois {x}",
  "researcher:où est défini {x} ?|comment fonctionne {x} ?|que fait {x} ?|explique {x}|explique ce code|quel fichier contient {x} ?|quelle est la différence entre {t} et {t} ?|comment utiliser {x} ?|est-ce que {x} supporte {t} ?",
  "reviewer:vérifie {x}|relis mes changements dans {x}|que penses-tu de {x} ?|y a-t-il des problèmes dans {x} ?|fais une revue de {x}|est-ce que {x} est sûr ?|donne-moi ton avis sur ce code",
  "writer:documente {x}|rédige la documentation de {x}|écris un guide pour {x}|corrige les fautes dans la documentation|ajoute des commentaires dans {x}|mets à jour le README|traduis la documentation|faute de frappe dans la doc",
  "el inicio de sesión|la búsqueda|la exportación|la tabla|el formulario|el módulo|la base de datos|la cola|la caché|la configuración",
  "coder:añade {x}|agrega {t} a {x}|implementa {x}|reescribe {x} en {t}|escribe pruebas para {x}|reemplaza {x} por {t}|crea {x}|estaría bien que {x} soportara {t}|¿podrían añadir {t}?|refactoriza {x}|elimina {x}",
  "debugger:{x} no funciona|error en {x}|{x} se cierra|¿por qué falla {x}?|¿por qué {x} es tan lento?|corrige el error en {x}|desde la actualización {x} falla|me sale un error: {e}|encuentra por qué {x} se bloquea",
  "architect:¿cómo deberíamos estructurar {x}?|diseña {x}|propón una arquitectura para {x}|ventajas y desventajas de {t}|planifica la migración a {t}|¿conviene separar {x}?|¿{t} o {t} para {x}?",
  "researcher:¿dónde está {x}?|¿cómo funciona {x}?|¿qué hace {x}?|explica {x}|explica este código|¿qué archivo contiene {x}?|¿cuál es la diferencia entre {t} y {t}?|¿cómo uso {x}?|¿se puede usar {t} con {x}?",
  "reviewer:revisa {x}|revisa mis cambios en {x}|¿ves problemas en {x}?|¿qué opinas de {x}?|haz una revisión de {x}|¿es seguro {x}?|dame tu opinión sobre este código",
  "writer:documenta {x}|escribe la documentación de {x}|escribe una guía de {x}|corrige las faltas en la documentación|añade comentarios a {x}|actualiza el README|traduce la documentación",
  "o login|a busca|a exportação|a tabela|o formulário|o módulo|o banco de dados|a fila|o cache|a configuração",
  "coder:adicione {x}|adicione {t} a {x}|implemente {x}|reescreva {x} em {t}|escreva testes para {x}|substitua {x} por {t}|crie {x}|seria bom se {x} suportasse {t}|remova {x}",
  "debugger:{x} não funciona|erro em {x}|{x} trava|por que {x} falha?|por que {x} está lento?|corrija o erro em {x}|desde a atualização {x} falha|recebo um erro: {e}",
  "architect:como devemos estruturar {x}?|projete {x}|proponha uma arquitetura para {x}|vantagens e desvantagens de {t}|planeje a migração para {t}|devemos dividir {x}?",
  "researcher:onde fica {x}?|como funciona {x}?|o que faz {x}?|explique {x}|qual arquivo contém {x}?|qual é a diferença entre {t} e {t}?|como uso {x}?",
  "reviewer:revise {x}|revise minhas mudanças em {x}|há problemas em {x}?|o que acha de {x}?|{x} é seguro?|verifique falhas de segurança em {x}",
  "writer:documente {x}|escreva a documentação de {x}|escreva um guia de {x}|corrija os erros de digitação|adicione comentários em {x}|atualize o README",
  "登录|搜索功能|导出功能|用户列表|表单|解析器|数据库|消息队列|缓存|配置",
  "coder:给{x}加上{t}支持|增加{x}|实现{x}|把{x}改成{t}|为{x}写单元测试|重构{x}|希望{x}支持{t}|能不能增加{x}|写一个函数处理{x}|用{t}重写{x}|删除{x}",
  "debugger:{x}报错|{x}崩溃了|{x}不能用了|为什么{x}失败|为什么{x}这么慢|修复{x}的错误|升级后{x}出问题|{x}没有反应|{x}返回结果不对|运行{x}时出现 {e}",
  "architect:如何设计{x}|设计{x}的架构|应该怎么设计{x}|{t}和{t}哪个更适合{x}|{x}要不要拆分|比较{t}和{t}的优缺点|规划{x}迁移到{t}的方案",
  "researcher:{x}在哪里|{x}是怎么工作的|{x}是做什么的|解释一下{x}|哪个文件定义了{x}|{t}和{t}有什么区别|如何使用{x}|请问{x}支持{t}吗",
  "reviewer:审查一下{x}|检查{x}有没有问题|帮我看看{x}的改动|{x}安全吗|review 一下{x}|这段代码写得怎么样|对{x}给点意见",
  "writer:给{x}写文档|更新{x}的文档|补充{x}的注释|写一份{x}的教程|文档有错别字|翻译文档|写更新日志",
  "ログイン|検索|エクスポート|一覧画面|フォーム|パーサー|データベース|キュー|キャッシュ|設定画面",
  "coder:{x}を追加して|{x}に{t}を追加してください|{x}を実装して|{x}を{t}に書き換えて|{x}のテストを書いて|{x}がほしいです|{x}をリファクタリングして|{x}を削除して",
  "debugger:{x}が動かない|{x}でエラーが出る|{x}が落ちる|なぜ{x}は遅いのですか|{x}のバグを直して|更新後に{x}が失敗する|{x}の原因を調べて",
  "architect:{x}をどう設計すべきですか|{x}の設計案を出して|{t}と{t}のどちらがよいですか|{x}を分割すべきですか|{t}への移行計画を立てて",
  "researcher:{x}はどこにありますか|{x}はどう動きますか|{x}は何をしていますか|{x}を説明して|{x}の使い方を教えて|{t}に対応していますか",
  "reviewer:{x}をレビューして|{x}の変更を確認してください|{x}に問題はありますか|{x}は安全ですか|このコードをどう思いますか",
  "writer:{x}のドキュメントを書いて|READMEを更新して|{x}にコメントを追加して|誤字を直して|{x}の説明書を書いて|リリースノートを書いて",
  "вход|поиск|экспорт|таблицу|форму|модуль|парсер|базу данных|очередь|кэш",
  "coder:добавь {x}|реализуй {x}|перепиши {x} на {t}|напиши тесты для {x}|замени {x} на {t}|было бы хорошо добавить {x}|сделай {x}|удали {x}|напиши функцию",
  "debugger:не работает {x}|ошибка: {e}|{x} падает|почему не работает {x}?|почему {x} так медленно?|исправь ошибку|после обновления не работает {x}|найди причину",
  "architect:как лучше спроектировать {x}?|предложи архитектуру|плюсы и минусы {t}|{t} или {t}?|стоит ли разделить {x}?|спланируй переход на {t}",
  "researcher:где находится {x}?|как работает {x}?|что делает эта функция?|объясни {x}|в каком файле {x}?|чем отличается {t} от {t}?|как использовать {x}?",
  "reviewer:проверь {x}|сделай ревью|посмотри мои изменения|есть ли проблемы в коде?|безопасно ли это?|что думаешь об этом коде?",
  "writer:напиши документацию|обнови README|добавь комментарии|исправь опечатки|напиши руководство|переведи документацию",
  "로그인|검색|내보내기|목록|모듈|캐시|설정|데이터베이스",
  "coder:{x}을 추가해 주세요|{x} 기능을 구현해줘|{x}을 {t}로 바꿔줘|{x} 테스트를 작성해줘|{x}을 삭제해줘",
  "debugger:{x} 오류가 발생합니다|{x}이 작동하지 않아요|왜 {x}이 실패하나요?|{x} 버그를 고쳐줘|업데이트 후 {x}이 안 됩니다",
  "architect:{x} 구조를 어떻게 설계할까요?|{x}를 설계해 주세요|{t}와 {t} 중 무엇이 좋을까요?",
  "researcher:{x}은 어디에 있나요?|{x}은 어떻게 동작하나요?|{x}을 설명해줘|이 함수는 무엇을 하나요?",
  "reviewer:{x}을 리뷰해 주세요|변경 사항을 검토해줘|이 코드 괜찮나요?|{x} 보안 점검해줘",
  "writer:{x} 문서를 작성해줘|README를 수정해줘|주석을 추가해줘|오타를 고쳐줘",
  "il login|la ricerca|l'esportazione|la tabella|il modulo|il database|la cache|la configurazione",
  "coder:aggiungi {x}|implementa {x}|riscrivi {x} in {t}|scrivi i test per {x}|sostituisci {x} con {t}|sarebbe bello avere {t}",
  "debugger:{x} non funziona|errore in {x}|{x} si blocca|perché {x} fallisce?|correggi l'errore in {x}|dopo l'aggiornamento {x} non va",
  "architect:come strutturare {x}?|progetta {x}|proponi un'architettura per {x}|pro e contro di {t}|pianifica la migrazione a {t}",
  "researcher:dove si trova {x}?|come funziona {x}?|cosa fa {x}?|spiega {x}|quale file contiene {x}?",
  "reviewer:rivedi {x}|controlla le mie modifiche a {x}|vedi problemi in {x}?|cosa pensi di {x}?",
  "writer:documenta {x}|scrivi la documentazione di {x}|correggi gli errori nel README|aggiungi commenti a {x}",
  "logowanie|wyszukiwanie|eksport|tabelę|formularz|moduł|bazę danych|kolejkę",
  "coder:dodaj {x}|zaimplementuj {x}|przepisz {x} na {t}|napisz testy dla {x}|zamień {x} na {t}",
  "debugger:{x} nie działa|błąd w {x}|dlaczego {x} nie działa?|napraw błąd|po aktualizacji {x} się zawiesza",
  "architect:jak zaprojektować {x}?|zaproponuj architekturę|wady i zalety {t}|zaplanuj migrację na {t}",
  "researcher:gdzie jest {x}?|jak działa {x}?|co robi ta funkcja?|wyjaśnij {x}",
  "reviewer:sprawdź {x}|zrób przegląd kodu|czy widzisz problemy w {x}?|oceń mój kod",
  "writer:napisz dokumentację|zaktualizuj README|dodaj komentarze|popraw literówki",
  "girişi|aramayı|dışa aktarmayı|tabloyu|formu|modülü|önbelleği",
  "coder:{x} ekle|{x} uygula|{x} {t} ile yeniden yaz|{x} için test yaz",
  "debugger:{x} çalışmıyor|hata: {e}|neden {x} çalışmıyor?|hatayı düzelt",
  "architect:{x} nasıl tasarlamalıyız?|mimari öner|{t} mi {t} mi?",
  "researcher:{x} nerede?|{x} nasıl çalışıyor?|bu fonksiyon ne yapıyor?|{x} açıkla",
  "reviewer:{x} incele|değişikliklerimi gözden geçir|bu kodda sorun var mı?",
  "writer:{x} belgele|README dosyasını güncelle|yorum ekle|yazım hatalarını düzelt",
];
/** Small talk and other lives in those languages. */
const ELSEWHERE_ABROAD =
  "hallo|danke|wie geht es dir?|wie wird das Wetter?|erzähl einen Witz|wie koche ich Reis?|guten Morgen|was ist die Hauptstadt von Peru?|bonjour|merci|quel temps fait-il ?|raconte une blague|comment cuire du riz ?|quelle heure est-il ?|hola|gracias|¿qué tiempo hace?|cuéntame un chiste|¿cómo se hace una paella?|olá|obrigado|como está o tempo?|conta uma piada|你好|谢谢|今天天气怎么样|讲个笑话|怎么做红烧肉|推荐一部电影|早上好|こんにちは|ありがとう|天気はどうですか|おすすめの映画は|おはよう|привет|спасибо|какая погода?|расскажи анекдот|как сварить рис?|안녕하세요|감사합니다|날씨 어때요?|ciao|grazie|che tempo fa?|cześć|dziękuję|jaka jest pogoda?|merhaba|teşekkürler|hava nasıl?|nasılsın?".split(
    "|",
  );

/** Of people who have no task for a crew of developers. */
const ELSEWHERE =
  "how to {a}|tell me about {b}|what is the best way to {a} at home?|find me {b} near here|book {b} for tonight|buy {b} under {n} dollars|i want to buy {b}|recommend {b}|who invented {b}?|when was {b} born?|retrieve information about {b} and compare it with {b}|i am planning {b}, please give me details|what are the ingredients of {b}?|my friend and i like {b}, what can we do?|put {b} on the table|i feel tired of {b}|how much is {b}?|write a poem about {b}|sing about {b}|which country has {b}?|how old is {b}?|help me {a}|teach me to {a}|get the weekly price of {b}|what is {n} plus {n}?|could you give me details about {b} and {b}? also tell me how to {a}|please provide information about {b}. then find {b} and compare both|i am interested in {b}. who made it, when and where?|if {b} costs {n} dollars and {b} costs {n}, how much are both?|a train leaves at {n}, how long does it take?|what is the average price of {b}?|list the names of all people who own {b}|find {b} that is cheaper than {n}|which of {b} and {b} is older?|i need to know everything about {b} for my trip|good morning|hi|hello|hey there|ok|okay|yes|no|thanks|thank you|cool|hm|lol|test|asdf|qwerty|bye|please|never mind|continue|what?|who are you?|how are you?|{n}|{n}*{n}|what is the capital of Peru?|what is the meaning of life|who won the match in {n}?|what are the symptoms of a cold?|my dog is ill|the quick brown fox|lorem ipsum dolor|is there life on mars?|what is the weather like tomorrow?|what time is it?|thanks for {b}|you see {b}. your task is to: {a}";
const ACTS =
  "cook rice|knit a scarf|lose weight|clean a carpet|get a passport|train a puppy|paint a wall|plant roses|make friends|dance salsa|fold a shirt|write a love letter|remove a stain|care for a cactus|apply make up|save money|sleep better|ride a horse|catch a fish|play the guitar|heat some water and put it on the shelf|examine a book with the lamp".split(
    "|",
  );
const STUFF =
  "a hotel|a birthday party|cheap flights to Rome|a red dress|the Eiffel Tower|Mozart|a banana cake|football|a mug|the weather|a dentist|running shoes|the moon landing|a movie|a novel by Tolstoy|the stock of an airline|dinosaurs|a pharmacy|a wedding|vitamin C|a used car|the president|a museum|a horoscope|a jazz album|tea".split(
    "|",
  );

/** What a crew is asked for with verbs that anybody uses: the same verbs, about things of which no program is made. */
const ANYBODYS_VERBS =
  "review {o}|review {o} for me|explain {o}|explain {o} to a child|explain how {o} works|describe {o}|summarise {o}|compare {o} and {o}|compare {o} with {o} and tell me which is better|design {o}|plan {o}|plan {o} for {n} people|build {o}|make {o}|create {o}|write {o}|write about {o}|write a letter about {o}|write a short text about {o}|find {o}|find out when {o} was made|look up {o}|look for {o}|search for {o} and {o}|list {o} and {o}|check {o}|check the price of {o}|fix {o}|repair {o}|my {o} is broken|{o} does not work any more|{o} makes a strange noise|why is {o} so expensive?|why does {o} smell?|why do people like {o}?|where can i get {o}?|where is {o}?|where do i put {o}?|how does {o} work?|how do i clean {o}?|how do i use {o}?|how do i choose {o}?|how to make {o}|how to repair {o}|how to improve {o} at home|what is {o}?|what does {o} cost?|what is the difference between {o} and {o}?|what is the best {o} for a beginner?|which is better, {o} or {o}?|should i buy {o} or {o}?|is {o} healthy?|is {o} worth it?|can i take {o} on a plane?|do you like {o}?|who made {o}?|add {o} to my list|add {o}|remove {o} from the list|change {o}|move {o} next to {o}|put {o} on {o}|take {o} and put it in {o}|open {o}|close {o}|turn on {o}|clean {o}|update me on {o}|translate {o} into Dutch|get {o} and then get {o}|get information on {o} and suggest {o}|i need {o}|i need {o} that is cheap and easy to use|i am looking for {o} under {n} dollars|i want {o} in blue|recommend {o} like {o}|order {o}|book {o}|sell {o}|calculate how much {o} i need for {n} people|estimate the cost of {o}|test whether {o} is real|document my {o}|evaluate {o}|analyse {o}|proofread {o}|give me ideas for {o}|tell me the history of {o}|was {o} older than {o}?|how many people have {o}?|in which year did {o} begin?".split(
    "|",
  );
const EVERYDAY =
  "a chair|the sofa|a kitchen shelf|the window|the fridge|a bicycle|the car|a boat|a tent|the garden|a rose bush|an oak tree|a carrot soup|the bread|an apple pie|a salad|green tea|breakfast|dinner for two|a diet|the holiday in Greece|a road trip|a birthday cake|a wedding dress|the wedding|a funeral speech|a love letter|a poem|a novel|the plot of Macbeth|a fairy tale|a song|a piano|the violin|a concert|a painting|a photo of my family|a film|the football match|a marathon|a chess opening|yoga|a workout|the doctor|a headache|a sore throat|my knee|the baby|a puppy|the cat|a horse|the birds|a whale|volcanoes|the moon|gravity|the French Revolution|ancient Rome|the president of Brazil|a king|the capital of Chad|a river|the sea|an island|the weather in Cairo|snow|a rainbow|a train ticket|a hotel room|the airport|a taxi|a passport|my rent|a mortgage|my savings|gold|a lottery|a lawyer|the neighbours|my boss|a job interview|a cover letter|my essay on war|a school project|a dream|a horoscope|a joke|a riddle|a coat|shoes|a red shirt|a ring|perfume|shampoo|a lipstick|a haircut|a candle|a lamp|the curtains|a blanket|a pillow|a spoon|a cup|the drawer|the table|a bottle of wine|a coffee|chocolate|cheese|eggs|rice|a fish|mushrooms".split(
    "|",
  );

/** What is asked of agents with tools of other trades: to reckon, fetch and book. */
const OTHER_TRADES =
  "calculate {q}|can you calculate {q}?|please calculate {q} and {q}|compute {q}|how can i calculate {q}?|how to compute {q}|estimate {q}|determine {q}|get {q}|get me {q} for {n}|retrieve {q}|fetch {q} and {q}|find {q}|find out {q}|show me {q}|show {q} for the last {n} days|list {q}|check {q}|check the status of {r}|look up {q}|give me {q}|give me information on {q}|provide {q}|i need {q}|i need to know {q}|i want to know {q}, and then {q}|i would like to know {q}|could you tell me {q}?|can you give me {q}?|can you help me to find {q}?|what is {q}?|what is {q} if it is {n}?|what are {q} and {q}?|how do i find {q}?|compare {q} with {q}|analyse {q}|predict {q}|convert {q} from {n} to another unit|simulate {q}|generate a report on {q}|generate {r}|create {r}|create {r} for {n} people|add {r} for tomorrow at {n}|update {r}|update {r} with the number {n}|cancel {r}|delete {r}|remove {r}|change {r} to {n}|track {r}|schedule {r}|book {r}|send {r} to my colleague|search for {r}|plan {r}|evaluate {q}|assess {q}|measure {q}|monitor {q}|recommend {r} by {q}|set {r} to {n}|which of them has the highest {q}, and why?|first get {q}, then use it to book {r}|i have a value of {n}; what is {q}?".split(
    "|",
  );
const QUANTITIES =
  "the boiling point of ethanol|the molar mass of glucose|the interest on a loan of 5000|the monthly rate of my mortgage|the body mass index of a man of 80 kg|the distance from Paris to Rome|the exchange rate of the franc|the population of Peru|the blood pressure of a patient|the heart rate after a run|the income tax of a couple|the calories of a banana|the chance of rain tomorrow|the area of a circle with radius 4|the volume of a cylinder|the speed of a falling stone|the energy of a photon|the mean age of the guests|the GDP of Ghana|the air quality in Delhi|the traffic on the bridge|the price of gold|the stock price of a bank|the dividend of a share|the score of the final|the ranking of the tennis players|the opening hours of the museum|the departure of the last bus|the depth of the lake|the soil moisture of the field|the yield of the wheat harvest|the growth rate of bacteria|the structure of a protein|the genes of a mouse|the side effects of a drug|the dose of an antibiotic|the allergies of the patient|the age of a fossil|the orbit of a comet|the mass of a star|the magnitude of the earthquake|the height of the tide|the wind speed at the coast|the fuel that a truck needs|the cost of shipping a parcel|the turnover of a shop|the number of visitors of a park|the grades of a pupil|the salary of a teacher|the sentence for theft|the rights of a tenant|the votes of each party|the lyrics of a song|the cast of a film|the reviews of a restaurant|the ingredients of a sauce|the nutrients in spinach|the birth date of an author|the temperature of the oven|the noise level of a street".split(
    "|",
  );
const ERRANDS =
  "a meeting with the dentist|an appointment at the bank|a flight to Madrid|a hotel in Lima|a rental car|a table at a restaurant|a reminder for my pills|my shopping list|a playlist for the party|a training plan|a meal plan|a travel itinerary|a ticket for the opera|an invoice for my customer|a bill for the electricity|an insurance claim|a parcel|my order of shoes|a donation|a survey of customers|a marketing campaign|a course for nurses|a lesson on fractions|an exhibition|a conference in Vienna|a visa application|a passport|my membership of the club|a prescription|a blood test|a delivery of flowers|a taxi to the station|an apartment near the park|a job as a cook|the menu of the week|the guest list|my diary|the seating plan|the alarm|the thermostat".split(
    "|",
  );

/** Sentences of long requests, by whose they are; `common` may stand in any. */
const SENTENCES: Readonly<Record<string, string>> = {
  common:
    "Thanks in advance!|Thank you for this great project.|We use {v} in production.|I searched the existing issues.|See also the other ticket.|It concerns {x}.|Tested with {t}.|Let me know if you need more information.|cc @someone|This is about {f}.|We are a small team.|I can help if somebody points me to the right place.",
  coder:
    "Currently there is no way to do that.|It would be useful for many people.|I would like an option for it.|Is your feature request related to a problem? Please describe.|Describe the solution you'd like|Describe alternatives you've considered|As a user I want {x} so that I save time.|Acceptance criteria|The new flag should default to off.|I'm willing to submit a PR.|Other tools have this already.|Please make it configurable.|This should be a small change in {f}.|Right now I have to work around it by hand.|The implementation should use {t}.|Use case: we need it for {x}.|Add tests for it.|Proposed API|My workaround is a script.",
  debugger:
    "Steps to reproduce|Steps to reproduce the behavior:|Expected behavior|Actual behavior|Current behavior|Describe the bug|A clear and concise description of what the bug is.|To Reproduce|1. Open {x}|2. Click on save|3. See error|It should work but I get {e}.|Instead {e} is shown.|It worked in {v}.|Environment|OS: Windows 11|Version: {v}|Relevant log output|Logs|Stack trace|Reproduction link|Minimal reproduction|What happened?|What did you expect to happen?|The console shows {e}.|I can reproduce it every time.|It only happens sometimes.|After upgrading it fails.|Downgrading helps.|Possible cause: {f}.|This breaks our pipeline.|System info|Screenshots|Bug description",
  architect:
    "Goals|Non-goals|Motivation|Context|Alternatives considered|Drawbacks|Unresolved questions|Open questions|Decision drivers|Options|Consequences|Requirements|Constraints|Trade-offs|Rollout plan|Migration path|We should agree on a direction before anybody starts.|I would like to discuss the overall design.|What are the trade-offs of each option?|How would this scale?|Which approach would you recommend and why?|Please do not write code yet.|We need a plan with steps.|It should be possible to extend it later.|Boundaries between {x} and {x} are unclear.|Option A: {t}. Option B: {t}.|Looking for a proposal, not for an implementation.|The decision is hard to reverse.",
  researcher:
    "I could not find it in the documentation.|I looked at {f} but I don't get it.|Is this supported?|How is this supposed to work?|What is the recommended way?|Could someone explain it?|I am new to this project.|Just a question, not a bug.|Is there an example?|What is the expected usage?|Question|My question|I want to understand how {x} works.|Where can I read about it?|Am I missing something?|Any pointers are welcome.|I would like to know whether {t} can be used.|How do others do this?",
  reviewer:
    "Please take a close look at {f}.|Changes in this PR|I'm not sure whether this is correct.|Looking for feedback.|What do you think?|Does this look right?|Would appreciate a review before merging.|Mainly interested in correctness and style.|Did I forget an edge case?|Findings with severity would be great.|Checklist|Is the locking right?|I refactored {x}, behaviour should be the same.|Here is my code:|This pull request changes {x}.|How was this tested?|Are there security concerns?",
  writer:
    "The page is hard to understand.|The documentation does not mention {x}.|Please correct the docs.|An example in the docs would help.|Which page?|The link is dead.|The wording is confusing.|The description in the README is wrong.|Suggested text|It should be explained in the guide.|The table in the docs lacks {f}.|New users do not find this.|Add a section about {x}.|Document it with an example.|The changelog does not list it.|URL of the page|Documentation issue|Docs feedback|Please describe the parameters.",
};

const TRACES =
  'Traceback (most recent call last):\n  File "app.py", line 12, in <module>\n    main()\nValueError: bad value|TypeError: Cannot read properties of null\n    at render (src/app.js:10:5)\n    at main (src/main.js:3:1)|java.lang.IllegalStateException: closed\n\tat com.acme.Pool.get(Pool.java:33)\n\tat com.acme.Main.main(Main.java:9)|panic: runtime error: index out of range\n\ngoroutine 1 [running]:\nmain.run()\n\t/app/main.go:21|npm ERR! code ELIFECYCLE\nnpm ERR! errno 1|FAILED tests/test_a.py::test_b - assert 1 == 2'.split(
    "|",
  );
const CODES =
  'def f(a, b):\n    return a + b|const x = items.map((i) => i.id);\nconsole.log(x);|for (let i = 0; i < n; i++) {\n  total += a[i];\n}|public int size() {\n  return n;\n}|SELECT * FROM users WHERE id = 1;|fn main() {\n    println!("hi");\n}'.split(
    "|",
  );

export interface MadeRequest {
  readonly text: string;
  readonly worker: string | null;
}

/** What training takes of them. */
export const MADE = { perWorker: 800, seed: 3 } as const;

/** @param perWorker how many of each, about a third of them long */
export function makeRequests({ perWorker, seed }: { readonly perWorker: number; readonly seed: number } = MADE): readonly MadeRequest[] {
  const random = mulberry(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const fill = (frame: string): string =>
    frame.replaceAll(/\{(\w)\}/gu, (_, slot: string) => {
      if (slot === "x") return random() < 0.25 ? pick(THINGS).replace(/^the /u, "") : pick(THINGS);
      if (slot === "f") return pick(FILES);
      if (slot === "e") return pick(ERRORS);
      if (slot === "t") return pick(TECHNOLOGIES);
      if (slot === "a") return pick(ACTS);
      if (slot === "b") return pick(STUFF);
      if (slot === "o") return pick(EVERYDAY);
      if (slot === "q") return pick(QUANTITIES);
      if (slot === "r") return pick(ERRANDS);
      return slot === "v" ? `${1 + Math.floor(random() * 9)}.${Math.floor(random() * 20)}` : String(Math.floor(random() * 500));
    });
  const capital = (text: string): string => (random() < 0.5 ? text.charAt(0).toUpperCase() + text.slice(1) : text);
  const made: MadeRequest[] = [];
  for (const worker of Object.keys(FRAMES)) {
    const frames = (FRAMES[worker] ?? "").split("|");
    const own = (SENTENCES[worker] ?? "").split("|");
    const common = (SENTENCES["common"] ?? "").split("|");
    for (let count = 0; count < perWorker; count += 1) {
      const title = capital(fill(pick(frames)));
      if (random() > 0.34) {
        const pasted = random() < 0.12 ? `\n\n${pick(worker === "debugger" ? [...TRACES, ...CODES] : CODES)}` : "";
        made.push({ worker, text: title + pasted });
        continue;
      }
      const lines = Array.from({ length: 2 + Math.floor(random() * 7) }, () => {
        const sentence = fill(pick(random() < 0.72 ? own : common));
        return sentence.length < 60 && !/[.?!:]$/u.test(sentence) && random() < 0.6
          ? `${pick(["### ", "## ", "**"])}${sentence}`.replace(/^\*\*(.*)$/u, "**$1**")
          : sentence;
      });
      if (random() < (worker === "debugger" ? 0.45 : 0.1)) lines.push(pick(worker === "debugger" ? TRACES : CODES));
      made.push({ worker, text: [title, ...lines].join(pick(["\n", "\n\n"])) });
    }
  }
  let things: readonly string[] = [];
  for (const line of OTHER_LANGUAGES) {
    const [worker = "", frames] = line.split(/^(?:([a-z]+):)/u).slice(1);
    if (frames === undefined) {
      things = line.split("|");
      continue;
    }
    for (let count = 0; count < perWorker / 12; count += 1) {
      const frame = pick(frames.split("|")).replaceAll("{x}", () => pick(things));
      made.push({ worker, text: capital(fill(frame)) });
    }
  }
  for (const text of ELSEWHERE_ABROAD) made.push({ worker: null, text });
  for (let count = 0; count < perWorker; count += 1) made.push({ worker: null, text: capital(fill(pick(ELSEWHERE.split("|")))) });
  for (let count = 0; count < perWorker; count += 1) made.push({ worker: null, text: capital(fill(pick(ANYBODYS_VERBS))) });
  for (let count = 0; count < perWorker; count += 1) made.push({ worker: null, text: capital(fill(pick(OTHER_TRADES))) });
  return made;
}

// TeamCity, Kotlin DSL: .teamcity/settings.kts of the project that holds Tidegate and your settings.
//
// Without the parameter env.TIDEGATE_SETTINGS the embedded sample is rehearsed: try it first, as it is.
// Agents need bash, Python 3.11 or newer, and Node.js 20 or newer for the Allure report.
import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.buildFeatures.XmlReport
import jetbrains.buildServer.configs.kotlin.buildFeatures.xmlReport
import jetbrains.buildServer.configs.kotlin.buildSteps.script
import jetbrains.buildServer.configs.kotlin.triggers.schedule

version = "2024.12"

/** The upgrade paths; the first of each pair plays no part where [main] is configured. */
val paths = listOf("2018.12.1" to "2021.1.7500", "2020.6.4671" to "2021.1.7500")

val rehearsals = paths.map { (from, to) -> Rehearsal(from, to) }
val report = Report(rehearsals)

project {
    params {
        param("env.TIDEGATE_SETTINGS", "")
        param("env.OCTOPUS_MAIN_URL", "")
        password("env.OCTOPUS_API_KEY", "", display = ParameterDisplay.HIDDEN)
        password("env.OCTOPUS_MASTER_KEY", "", display = ParameterDisplay.HIDDEN)
        password("env.SQL_PASSWORD", "", display = ParameterDisplay.HIDDEN)
    }
    rehearsals.forEach { buildType(it) }
    buildType(report)
    buildType(Production)
}

class Rehearsal(from: String, to: String) : BuildType({
    id("Rehearse_${from.replace('.', '_')}_${to.replace('.', '_')}")
    name = "Rehearse $from to $to"
    artifactRules = "published => ."
    vcs { root(DslContext.settingsRoot) }
    params {
        param("env.TIDEGATE_EMBEDDED__VERSION", from)
        param("env.TIDEGATE_UPGRADE__TARGET", to)
    }
    steps {
        script {
            name = "Set up"
            scriptContent = """
                set -e
                scripts/setup
                .venv/bin/python -m pip install -q -c constraints.txt weasyprint
                npm install --no-save --no-audit --no-fund allure@3.18.0
            """.trimIndent()
        }
        script {
            name = "Doctor"
            scriptContent = """
                .venv/bin/tidegate doctor
            """.trimIndent()
        }
        script {
            name = "Rehearse"
            scriptContent = """
                scripts/rehearse
            """.trimIndent()
        }
        script {
            name = "Make the documents"
            executionMode = BuildStep.ExecutionMode.ALWAYS
            scriptContent = """
                scripts/publish published
            """.trimIndent()
        }
    }
    features {
        xmlReport {
            reportType = XmlReport.XmlReportType.JUNIT
            rules = "published/*/junit.xml"
        }
    }
    failureConditions {
        executionTimeoutMin = 120
        nonZeroExitCode = true
    }
})

class Report(rehearsals: List<BuildType>) : BuildType({
    id("Report")
    name = "Put all rehearsals into one report"
    artifactRules = "merged => ."
    vcs { root(DslContext.settingsRoot) }
    triggers {
        schedule {
            schedulingPolicy = weekly { hour = 3 }
            triggerBuild = always()
        }
    }
    dependencies {
        rehearsals.forEach {
            dependency(it) {
                snapshot { onDependencyFailure = FailureAction.ADD_PROBLEM }
                artifacts { artifactRules = "** => runs" }
            }
        }
    }
    steps {
        script {
            scriptContent = """
                set -e
                scripts/setup
                npm install --no-save --no-audit --no-fund allure@3.18.0
                .venv/bin/tidegate report --expect ${paths.size} runs/*/ --output merged
            """.trimIndent()
        }
    }
})

object Production : BuildType({
    name = "Upgrade the main instance"
    type = Type.DEPLOYMENT
    vcs { root(DslContext.settingsRoot) }
    params {
        text("env.APPROVAL", "", label = "approval.json", display = ParameterDisplay.PROMPT, allowEmpty = false)
    }
    steps {
        script {
            name = "May the main instance be upgraded now?"
            scriptContent = """
                set -e
                scripts/setup
                .venv/bin/tidegate approval verify "${'$'}APPROVAL" --main "${'$'}OCTOPUS_MAIN_URL"
            """.trimIndent()
        }
        script {
            name = "Upgrade the main instance"
            scriptContent = """
                echo "your own upgrade of the main instance comes here; it is reached only after a yes"
            """.trimIndent()
        }
    }
})
